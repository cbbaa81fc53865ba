import { InputError } from '../domain/errors.ts';
import { decodeEntities, encodeEntities } from './entities.ts';
import { decideLink, encodeContactValues, type LinkTable, localNamesIn } from './links.ts';
import { createLiquid } from './liquid.ts';
import type { MaskedTemplate } from './liquid-mask.ts';

export interface TrackLinksOptions {
  readonly template: MaskedTemplate;
  readonly table: LinkTable;
  /** File named in messages. */
  readonly file: string;
  /** The tracked address of a link by its number, masked. */
  readonly tracked: (link: number) => string;
}

/** `a` and `area`, and the VML shapes that buttons for Outlook are made of; also inside conditional comments. */
const linkElement = /<(?:a|area|v:[a-z]+)\s(?:[^<>"']|"[^"]*"|'[^']*')*>/gi;
const hrefAttribute = /(\shref\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/i;

/** Puts the tracked address into every link of masked HTML. @throws InputError TEMPLATE_LINK */
export function trackHtmlLinks(html: string, options: TrackLinksOptions): string {
  return html.replace(linkElement, (element) =>
    element.replace(hrefAttribute, (attribute, before: string, quoted: string) => {
      const masked = quoted.replace(/^(["'])([\s\S]*)\1$/, '$2');
      const tracked = trackedAddress(decodeEntities(masked), options);
      return tracked === undefined ? attribute : `${before}"${encodeEntities(tracked)}"`;
    }),
  );
}

/** Puts the tracked address in place of every web address in a masked text part. @throws InputError TEMPLATE_LINK */
export function trackTextLinks(text: string, options: TrackLinksOptions): string {
  return text.replace(/https?:\/\/[^\s<>"]+/gi, (found) => {
    // A sentence's own punctuation after an address is not part of it.
    const address = found.replace(/(?:[.,;:!?'*_]|\)(?=$|[.,;:!?]))+$/, '');
    return (trackedAddress(address, options) ?? address) + found.slice(address.length);
  });
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
      hint: 'Tracked links are web addresses; {{ contact... }} and {{ campaign... }} may stand in them.',
    });
  const decision = decideLink(address);
  if (decision === 'leave') return undefined;
  if (decision !== 'track') throw refuse(decision.refuse);
  if (address.length > 4_000) throw refuse('is longer than 4000 characters');
  const [local] = localNamesIn(address, createLiquid({ output: 'plain' }));
  if (local !== undefined) {
    throw refuse(`uses "${local}", which is set elsewhere in the template: a link stands for itself`);
  }
  const number = table.numberOf(encodeContactValues(address));
  if (number === undefined) throw refuse('is one too many: a campaign may have 1000 different links');
  return tracked(number);
}
