import { Tokenizer, TokenKind } from 'liquidjs';
import { createLiquid } from '../render/liquid.ts';

/** Campaigns with more links than this are something else; the number must also fit the database's smallint. */
const linksMaximum = 1_000;

/** What to do with an `href`: track it, leave it, or refuse it with the reason. */
export type LinkDecision = 'track' | 'leave' | { readonly refuse: string };

/**
 * Decides about the address of a link, given as Liquid. Web addresses are tracked, also those that begin with a
 * token, for what they become is checked at the click. Links to our own pages, anchors, mail and telephone numbers
 * are left as they are. What cannot work in a message, or must not be in one, is refused.
 */
export function decideLink(address: string): LinkDecision {
  const text = address.trim();
  if (text === '' || text.startsWith('#')) return 'leave';
  if (/^\{\{-?\s*(?:unsubscribeUrl|preferencesUrl|viewOnlineUrl)\s*-?\}\}$/.test(text)) return 'leave';
  if (text.startsWith('{{') || text.startsWith('{%')) return 'track';
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') {
    const literal = text.replace(/\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g, 'x');
    return /^https?:\/\/[^/?#]/i.test(literal) && URL.canParse(literal)
      ? 'track'
      : { refuse: 'is not a whole web address' };
  }
  if (scheme === undefined)
    return { refuse: 'is relative; a message needs whole addresses such as https://example.com/' };
  if (['mailto', 'tel', 'sms', 'cid', 'callto', 'whatsapp', 'geo', 'webcal', 'maps'].includes(scheme))
    return 'leave';
  return { refuse: `has the scheme "${scheme}:", which no link in a message may have` };
}

/** Characters of an address: what is longer works in no browser. */
const addressMaximum = 4_000;

/** Why an address cannot be that of a link, as the end of a sentence; undefined where it can. */
export function whyNotLink(address: string): string | undefined {
  const decision = decideLink(address);
  if (decision === 'leave') return undefined;
  if (decision !== 'track') return decision.refuse;
  if (address.length > addressMaximum) return `is longer than ${addressMaximum} characters`;
  const [local] = localNamesIn(address, createLiquid({ output: 'plain' }));
  return local === undefined
    ? undefined
    : `uses "${local}", which is set elsewhere in the template: a link stands for itself`;
}

/** The tracked links of a campaign, numbered from 0; the same address has one number. */
export class LinkTable {
  readonly #numbers = new Map<string, number>();

  /** @returns undefined where there are too many links. */
  numberOf(address: string): number | undefined {
    const known = this.#numbers.get(address);
    if (known !== undefined) return known;
    if (this.#numbers.size >= linksMaximum) return undefined;
    this.#numbers.set(address, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  get links(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}

/** Filters after which a value is already fit for an address. */
const encodingFilters = /\|\s*(?:url_component|url_encode|cgi_escape|uri_escape|raw)\b/;

/**
 * The link with a contact's values encoded as what they are, one component of the address, so that a name such as
 * `A&B` cannot add parameters or change the host. Left alone are the values of the campaign and of the manager root, which the author wrote, values that
 * are encoded already, and a value that is the beginning of the address.
 */
export function encodeContactValues(link: string): string {
  return new Tokenizer(link)
    .readTopLevelTokens()
    .map((token) => {
      const source = link.slice(token.begin, token.end);
      if (token.kind !== TokenKind.Output || token.begin === 0) return source;
      const bare = source.replace(/"[^"]*"|'[^']*'/g, '');
      if (/^\{\{-?\s*(?:(?:campaign|managerRoot)\b|[^\s\w])/.test(bare) || encodingFilters.test(bare))
        return source;
      return source.replace(/\s*(-?\}\})$/, ' | url_component $1');
    })
    .join('');
}

/** Names a link would need that exist only at its place in the body (a loop's variable, an assigned name). */
function localNamesIn(link: string, liquid: ReturnType<typeof createLiquid>): string[] {
  const known = ['contact', 'campaign', 'managerRoot', 'unsubscribeUrl', 'preferencesUrl', 'viewOnlineUrl'];
  return liquid.globalVariablesSync(link).filter((name) => !known.includes(name));
}
