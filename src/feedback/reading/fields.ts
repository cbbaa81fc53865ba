import { fieldMaximum, fieldsMaximum } from './limits.ts';

/** The fields of a header, or of a group of a report, which has the same form (RFC 5322 section 2.2), in their order. */
export class Fields {
  private readonly all: readonly (readonly [name: string, value: string])[];

  constructor(all: readonly (readonly [name: string, value: string])[]) {
    this.all = all;
  }

  /** The first field of this name (in lower case), unfolded, without spaces around. */
  first(name: string): string | undefined {
    return this.all.find(([its]) => its === name)?.[1];
  }

  every(name: string): string[] {
    return this.all.filter(([its]) => its === name).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.first(name) !== undefined;
  }

  get isEmpty(): boolean {
    return this.all.length === 0;
  }
}

/** A name of RFC 5322 section 3.6.8, and some of the spaces before the colon that it no longer allows. */
const fieldStart = /^([!-9;-~]{1,100})[ \t]{0,3}:/;

/**
 * Reads lines as fields, up to an empty one. A line that is no field is passed over, as is a field that is too long. The last
 * line counts only where it is ended: a cut value is a wrong one.
 *
 * @returns the fields, and the place where what follows the empty line begins.
 */
export function readFields(text: string, from = 0): { readonly fields: Fields; readonly end: number } {
  const all: [string, string][] = [];
  let name: string | undefined;
  let value = '';
  const keep = (): void => {
    if (name !== undefined && value.length <= fieldMaximum && all.length < fieldsMaximum) {
      all.push([name, value.trim()]);
    }
    name = undefined;
  };
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd < 0) {
      // The field that the cut line would have continued is cut as well.
      if (text.charAt(at) !== ' ' && text.charAt(at) !== '\t') keep();
      return { fields: new Fields(all), end: text.length };
    }
    if (lineEnd === at) {
      keep();
      return { fields: new Fields(all), end: lineEnd + 1 };
    }
    const first = text.charAt(at);
    if (first === ' ' || first === '\t') {
      if (name !== undefined && value.length <= fieldMaximum) value += text.slice(at, lineEnd);
    } else {
      keep();
      const start = fieldStart.exec(text.slice(at, Math.min(lineEnd, at + 110)));
      if (start?.[1] !== undefined) {
        name = start[1].toLowerCase();
        value = text.slice(at + start[0].length, lineEnd);
      }
    }
    at = lineEnd + 1;
  }
}

/** Groups of fields with empty lines between them (RFC 3464 section 2.1), no more than `maximum`. */
export function readGroups(text: string, maximum: number): Fields[] {
  const groups: Fields[] = [];
  for (let at = 0; at < text.length && groups.length < maximum; ) {
    const { fields, end } = readFields(text, at);
    if (!fields.isEmpty) groups.push(fields);
    at = end;
  }
  return groups;
}

/** A parameter of a field such as `multipart/report; report-type=delivery-status` (RFC 2045 section 5.1). */
export function parameterOf(value: string, name: string): string | undefined {
  for (const [, its, quoted, bare] of value.matchAll(
    /;\s*([!-:<-~]{1,60}?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gs,
  )) {
    if (its?.toLowerCase() === name) return quoted?.replace(/\\(.)/gs, '$1') ?? bare;
  }
  return undefined;
}
