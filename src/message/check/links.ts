import { decideLink, whyNotLink } from '../freeze/links.ts';
import { linkHint } from '../freeze/track-links.ts';
import type { Markup, StartTag } from './markup.ts';
import type { Report } from './report.ts';

/** A link to the web, as Liquid. */
export interface PlacedLink {
  readonly address: string;
  readonly where: string;
}

/** Elements of MJML whose `href` is no link of a reader's, or becomes another one. */
const notLinks = new Set(['mj-font', 'mj-social-element']);

/** Reports links that cannot work, or lead nowhere. @returns those to the web */
export function checkLinks(
  markup: readonly Markup[],
  report: Report,
): { readonly address: string; readonly index: number }[] {
  const links: { address: string; index: number }[] = [];
  let navbar: string | undefined;
  for (const tag of markup) {
    if (tag.kind === 'text') continue;
    if (tag.name === 'mj-navbar')
      navbar = tag.kind === 'start' ? tag.attributes.get('base-url')?.value : undefined;
    const href = tag.kind === 'start' && isLink(tag) ? tag.attributes.get('href') : undefined;
    if (href === undefined) continue;
    const address = `${tag.name === 'mj-navbar-link' ? (navbar ?? '') : ''}${href.value}`.trim();
    reportLink(address, href.index, report);
    if (decideLink(address) === 'track') links.push({ address, index: href.index });
  }
  return links;
}

function isLink({ name }: StartTag): boolean {
  return (
    name === 'a' ||
    name === 'area' ||
    name.startsWith('v:') ||
    (name.startsWith('mj-') && !notLinks.has(name))
  );
}

/** Reports a link that is refused, or leads nowhere. */
export function reportLink(address: string, index: number, report: Report): void {
  if (address === '' || address === '#') {
    const message = `this link leads nowhere: its href is ${address === '' ? 'empty' : '"#"'}.`;
    report(
      {
        severity: 'warning',
        code: 'LINK_EMPTY',
        message,
        hint: 'Give it an address, or take the link away.',
      },
      index,
    );
    return;
  }
  const problem = whyNotLink(address);
  if (problem === undefined) return;
  const message = `the link ${JSON.stringify(address.slice(0, 200))} ${problem}.`;
  report({ severity: 'error', code: 'TEMPLATE_LINK', message, hint: linkHint }, index);
}
