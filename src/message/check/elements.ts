import type { Markup, StartTag } from './markup.ts';
import type { Report } from './report.ts';

/** What mail programs take out of a message, or do not run. */
const unsupported: Readonly<Record<string, string>> = {
  script: 'no mail program runs scripts, and filters distrust messages that have them',
  iframe: 'no mail program shows other pages in a message',
  object: 'no mail program loads it',
  embed: 'no mail program loads it',
  form: 'most mail programs do not let a form be sent',
};

/** Placeholders of other senders' programs, which would be sent as they are. */
const foreignTokens: readonly { readonly pattern: RegExp; readonly of: string }[] = [
  {
    pattern: /\$(?:name|firstname|lastname|fullname|email|phone|subject|recipient\w*)\$/gi,
    of: 'Sitecore EXM',
  },
  { pattern: /\*\|[A-Z][A-Z0-9_:]*\|\*/g, of: 'Mailchimp' },
  { pattern: /%%[A-Za-z_]\w*%%/g, of: 'other programs' },
];

/** Reports what would not be in the message as it was meant. */
export function checkElements(markup: readonly Markup[], report: Report): void {
  for (const one of markup) {
    if (one.kind === 'start') {
      reportElement(one, report);
      for (const { value, index } of one.attributes.values()) reportTokens(value, () => index, report);
    } else if (one.kind === 'text') reportTokens(one.text, (at) => one.index + at, report);
  }
}

function reportElement({ name, index, attributes, conditional }: StartTag, report: Report): void {
  const why = Object.hasOwn(unsupported, name) ? unsupported[name] : undefined;
  if (why === undefined || conditional) return;
  // Data for mail programs (schema.org), which is not run.
  if (name === 'script' && attributes.get('type')?.value.toLowerCase() === 'application/ld+json') return;
  const hint = 'Take it out, and link to a web page that has it.';
  report({ severity: 'warning', code: 'TEMPLATE_ELEMENT', message: `<${name}>: ${why}.`, hint }, index);
}

function reportTokens(text: string, indexOf: (at: number) => number, report: Report): void {
  for (const { pattern, of } of foreignTokens) {
    for (const { 0: token, index } of text.matchAll(pattern)) {
      const message = `${token} is a token of ${of}; it would be sent as it is.`;
      const hint =
        'Tokens are written {{ contact.firstName }}, {{ contact.facets.NAME }}, {{ campaign.NAME }}.';
      report({ severity: 'warning', code: 'TOKEN_FOREIGN', message, hint }, indexOf(index));
    }
  }
}
