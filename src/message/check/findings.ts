import { InputError } from '../../domain/errors.ts';

/** Something about a campaign's content that its makers should know before it is sent. */
export interface Finding {
  /** An error refuses the campaign; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** As in docs/errors.md. */
  readonly code: string;
  /** `file:line:column`; of a campaign that came from no file, the place in its definition. */
  readonly where: string;
  /** What is wrong, with the value, as a sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

/** Everything that was found about a campaign, of which something refuses it. */
export class FindingsError extends InputError {
  readonly findings: readonly Finding[];

  /** @param findings with at least one error among them */
  constructor(findings: readonly Finding[]) {
    const errors = findings.filter(isError);
    const [first] = errors;
    if (first === undefined) throw new TypeError('A campaign without errors is not refused.');
    const lines = errors.map(describeFinding);
    const several = {
      code: 'CAMPAIGN_CHECK',
      message: `There are ${errors.length} errors:\n  ${lines.join('\n  ')}`,
    };
    const { code, message } =
      errors.length > 1 ? several : { code: first.code, message: describeFinding(first) };
    super(code, message, { field: first.where, hint: first.hint });
    this.findings = findings;
  }
}

export function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

/** A finding in one line: `autumn.mjml:4:10: the link ...` */
export function describeFinding({ where, message }: Finding): string {
  return `${where}: ${message}`;
}

/** Each finding once, by file, line and column. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const once = new Map(findings.map((one) => [JSON.stringify([one.code, one.where, one.message]), one]));
  return [...once.values()].sort((a, b) => {
    const [one, other] = [splitPlace(a.where), splitPlace(b.where)];
    const byFile = one.file < other.file ? -1 : one.file > other.file ? 1 : 0;
    return byFile || one.line - other.line || one.column - other.column;
  });
}

/** At most so many findings, errors before warnings. */
export function limitFindings(findings: readonly Finding[], maximum: number): Finding[] {
  const warnings = findings.filter((one) => !isError(one));
  return [...findings.filter(isError), ...warnings].slice(0, maximum);
}

/** Takes `file:line:column` apart; what is no such place is a file without lines. */
export function splitPlace(where: string): { file: string; line: number; column: number } {
  const match = /^(.*?):(\d+)(?::(\d+))?$/s.exec(where);
  return match === null
    ? { file: where, line: 0, column: 0 }
    : { file: match[1] ?? '', line: Number(match[2]), column: Number(match[3] ?? 0) };
}

/** A sentence that begins with its place, as a finding; `where` is for one that has none. */
export function findingFrom(text: string, finding: Omit<Finding, 'message'>): Finding {
  const placed = /^(\S.*?:\d+:\d+): (.*)$/s.exec(text);
  return placed === null
    ? { ...finding, message: text }
    : { ...finding, where: placed[1] ?? '', message: placed[2] ?? '' };
}

/** What an error thrown by something that stops at the first says, as a finding. */
export function findingOf({ code, message, field, hint }: InputError): Finding {
  const where = field === undefined ? 'campaign' : (/^.*?:\d+:\d+/s.exec(field)?.[0] ?? field);
  const own = [`${where}: `, `${field}: `].find((start) => message.startsWith(start)) ?? '';
  return { severity: 'error', code, where, message: message.slice(own.length), hint };
}
