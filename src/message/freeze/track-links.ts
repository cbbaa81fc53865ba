import { InputError } from '../../domain/errors.ts';
import { decodeEntities, encodeEntities } from './entities.ts';
import { decideLink, encodeContactValues, type LinkTable, whyNotLink } from './links.ts';
import type { MaskedTemplate } from './liquid-mask.ts';

export interface TrackLinksOptions {
  readonly template: MaskedTemplate;
  readonly table: LinkTable;
  /** File named in messages. */
  readonly file: string;
  /** The tracked address of a link by its number, masked. */
  readonly tracked: (link: number) => string;
}

/** What to do about a link that is refused. */
export const linkHint =
  'Tracked links are web addresses; {{ contact... }} and {{ campaign... }} may stand in them.';

/** `a` and `area`, and the VML shapes that buttons for Outlook are made of; also inside conditional comments, but in no others. */
const linkElement = /<!--(?!\[if\b|-?>)[\s\S]*?-->|<(?:a|area|v:[a-z]+)\s(?:[^<>"']|"[^"]*"|'[^']*')*>/gi;
const hrefAttribute = /(\shref\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/i;

/** Puts the tracked address into every link of masked HTML. @throws InputError TEMPLATE_LINK */
export function trackHtmlLinks(html: string, options: TrackLinksOptions): string {
  return html.replace(linkElement, (element) =>
    element.startsWith('<!--')
      ? element
      : element.replace(hrefAttribute, (attribute, before: string, quoted: string) => {
          const masked = quoted.replace(/^(["'])([\s\S]*)\1$/, '$2');
          const tracked = trackedAddress(decodeEntities(masked), options);
          return tracked === undefined ? attribute : `${before}"${encodeEntities(tracked)}"`;
        }),
  );
}

/** Puts the tracked address in place of every web address in a masked text part. @throws InputError TEMPLATE_LINK */
export function trackTextLinks(text: string, options: TrackLinksOptions): string {
  return text.replace(textAddress, (found) => {
    const address = withoutPunctuation(found);
    return (trackedAddress(address, options) ?? address) + found.slice(address.length);
  });
}

/** The web addresses of a text part. */
export function linksInText(
  template: MaskedTemplate,
): { readonly address: string; readonly index: number }[] {
  return [...template.text.matchAll(textAddress)].map(({ 0: found, index }) => ({
    address: template.unmaskLiteral(withoutPunctuation(found)),
    index,
  }));
}

const textAddress = /https?:\/\/[^\s<>"]+/gi;

/** A sentence's own punctuation after an address is not part of it. */
function withoutPunctuation(found: string): string {
  return found.replace(/(?:[.,;:!?'*_]|\)(?=$|[.,;:!?]))+$/, '');
}

function trackedAddress(
  masked: string,
  { template, table, file, tracked }: TrackLinksOptions,
): string | undefined {
  const address = template.unmaskLiteral(masked).trim();
  const refuse = (why: string) =>
    new InputError('TEMPLATE_LINK', `${file}: the link ${JSON.stringify(address.slice(0, 200))} ${why}.`, {
      field: file,
      value: address.slice(0, 200),
      hint: linkHint,
    });
  const problem = whyNotLink(address);
  if (problem !== undefined) throw refuse(problem);
  if (decideLink(address) === 'leave') return undefined;
  const number = table.numberOf(encodeContactValues(address));
  if (number === undefined) throw refuse('is one too many: a campaign may have 1000 different links');
  return tracked(number);
}
