import { type Token, Tokenizer, TokenizerMode } from 'parse5';
import { decodeEntities } from '../freeze/entities.ts';
import { liquidPieces, maskLiquid } from '../freeze/liquid-mask.ts';

/** An attribute as it stands in a template. */
export interface Attribute {
  /** Entities decoded, Liquid as it is. */
  readonly value: string;
  /** Index in the template. */
  readonly index: number;
}

export interface StartTag {
  readonly kind: 'start';
  /** Lower case. */
  readonly name: string;
  readonly index: number;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly selfClosing: boolean;
  /** Whether only some mail programs see it: it stands in a conditional comment. */
  readonly conditional: boolean;
}

export interface EndTag {
  readonly kind: 'end';
  readonly name: string;
  readonly index: number;
}

export interface Text {
  readonly kind: 'text';
  /** As it stands there, with its entities, but without Liquid. */
  readonly text: string;
  readonly index: number;
}

export type Markup = StartTag | EndTag | Text;

/** Elements whose content is text, whatever it looks like. */
const rawText = new Set(['style', 'script', 'mj-style', 'xmp', 'noembed', 'noframes']);
const escapableRawText = new Set(['title', 'textarea', 'mj-title']);

/** Deeper than comments in comments nobody writes them. */
const commentDepthMaximum = 3;

/**
 * The tags and texts of a template (HTML or MJML) in order, each with its place. The HTML standard's own tokenizer reads
 * it; Liquid is passed over, with both branches of a condition. Conditional comments are looked into, other comments
 * are not.
 *
 * @throws liquidjs' TokenizationError where a tag is not closed.
 */
export function readMarkup(template: string): Markup[] {
  return tokensOf({ template, blank: blankLiquid(template), from: 0, depth: 0 });
}

interface Section {
  readonly template: string;
  /** The section without its Liquid, at the same indexes from `from`. */
  readonly blank: string;
  readonly from: number;
  readonly depth: number;
}

function tokensOf({ template, blank, from, depth }: Section): Markup[] {
  const found: Markup[] = [];
  const indexOf = (token: { location: Token.Location | null }) => from + (token.location?.startOffset ?? 0);
  const text = (token: Token.CharacterToken) => {
    const { startOffset = 0, endOffset = 0 } = token.location ?? {};
    found.push({ kind: 'text', text: blank.slice(startOffset, endOffset), index: indexOf(token) });
  };
  const tokenizer = new Tokenizer(
    { sourceCodeLocationInfo: true },
    {
      onStartTag(token) {
        const { tagName: name, selfClosing } = token;
        if (!selfClosing && rawText.has(name)) tokenizer.state = TokenizerMode.RAWTEXT;
        if (!selfClosing && escapableRawText.has(name)) tokenizer.state = TokenizerMode.RCDATA;
        const attributes = new Map(
          Object.entries(token.location?.attrs ?? {}).map(([key, { startOffset, endOffset }]) => {
            const own = template.slice(from + startOffset, from + endOffset);
            return [key, { value: readValue(own), index: from + startOffset }];
          }),
        );
        const index = indexOf(token);
        found.push({ kind: 'start', name, index, attributes, selfClosing, conditional: depth > 0 });
      },
      onEndTag(token) {
        found.push({ kind: 'end', name: token.tagName, index: indexOf(token) });
      },
      onComment(token) {
        const { location } = token;
        if (location === null || depth >= commentDepthMaximum) return;
        const inside = /^(<!--\[if[^\]]*\]>)([\s\S]*?)<!\[endif\]-->$/i.exec(
          blank.slice(location.startOffset, location.endOffset),
        );
        if (inside?.[1] === undefined || inside[2] === undefined) return;
        const begin = from + location.startOffset + inside[1].length;
        for (const one of tokensOf({ template, blank: inside[2], from: begin, depth: depth + 1 }))
          found.push(one);
      },
      onCharacter: text,
      onWhitespaceCharacter: text,
      onNullCharacter: () => undefined,
      onDoctype: () => undefined,
      onEof: () => undefined,
    },
  );
  tokenizer.write(blank, true);
  return found;
}

/** The value in `name="value"`, whatever its quotes; Liquid may hold quotes and entities of its own. */
function readValue(attribute: string): string {
  const equals = attribute.indexOf('=');
  if (equals < 0) return '';
  const quoted = attribute.slice(equals + 1).trim();
  const bare = /^(["'])([\s\S]*)\1$/.exec(quoted)?.[2] ?? quoted;
  try {
    const masked = maskLiquid(bare);
    return masked.unmask(decodeEntities(masked.text));
  } catch {
    return bare;
  }
}

/**
 * The template with its Liquid out of the way, and everything else where it was: outputs become letters, because
 * they stand for a value, tags become spaces.
 */
function blankLiquid(template: string): string {
  let text = '';
  let copied = 0;
  for (const { begin, end, liquid } of liquidPieces(template)) {
    const filler = liquid.startsWith('{{') ? 'x' : ' ';
    text += template.slice(copied, begin) + filler.repeat(end - begin);
    copied = end;
  }
  return text + template.slice(copied);
}

/** Tells `line:column`, both from 1, of indexes of a text. */
export function placesIn(text: string): (index: number) => string {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (index) => {
    const line = starts.findLastIndex((start) => start <= index);
    return `${line + 1}:${index - (starts[line] ?? 0) + 1}`;
  };
}
