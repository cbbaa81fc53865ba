/** RFC 3463: class, subject and detail. */
export interface StatusCode {
  readonly class: number;
  readonly subject: number;
  readonly detail: number;
}

const form = /^([245])\.(\d{1,3})\.(\d{1,3})$/;

export function isStatus(text: string): boolean {
  return form.test(text);
}

export function parseStatus(text: string | undefined): StatusCode | undefined {
  const found = form.exec(text?.trim() ?? '');
  if (found === null) return undefined;
  return { class: Number(found[1]), subject: Number(found[2]), detail: Number(found[3]) };
}

export function statusText(code: StatusCode): string {
  return `${code.class}.${code.subject}.${code.detail}`;
}

/** Whether a code says no more than that it failed. RFC 3463: X.0.0, and a subject of which it knows no detail. */
export function isGeneric({ subject, detail }: StatusCode): boolean {
  return subject === 0 || detail === 0;
}

/**
 * The codes in a mail server's words: behind a reply code (`550 5.1.1`, `550-5.1.1`, `550 #5.1.0`), in the form `(#5.1.1)`, before an
 * address, or at their beginning. Elsewhere such digits may be a version or a part of an IP address.
 */
export function statusesIn(text: string): StatusCode[] {
  const found: StatusCode[] = [];
  for (const [, code] of text.matchAll(
    /(?:^\s*|#|error_code :|\b[245]\d\d(?:[- ]|: )\s?[<[(]?#?|\s(?=[245]\.\d\.\d{1,3} <))([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)/gi,
  )) {
    const status = parseStatus(code);
    if (status !== undefined && found.length < 10) found.push(status);
  }
  return found;
}

/** The three digits of RFC 5321 that a reply begins with, also where another server quotes it ("said: 550 ..."). */
export function replyCodeIn(text: string): number | undefined {
  const found =
    /^\s*(?:["'(<]\s?)?([245]\d\d)(?=[-\s.:]|$)/.exec(text) ??
    /\b(?:said|response|responded|returned|answered|reason|error|was|with|message|status|code|dsn|command)\b["'\s:;(<,]{1,6}(?:smtp\s?;\s?)?([245]\d\d)(?=[-\s.:])/i.exec(
      text,
    );
  return found?.[1] === undefined ? undefined : Number(found[1]);
}
