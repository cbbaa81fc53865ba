import { asciiDomain } from '../contacts/addresses/email-address.ts';

/** What an address of ours says: `bounce` stands in the envelope (VERP), `unsubscribe` in List-Unsubscribe. */
export interface ReturnPath {
  readonly kind: 'bounce' | 'unsubscribe';
  /** `campaign.number` */
  readonly campaignNumber: number;
  /** Position in the dispatch queue; 0 in test messages, which count nothing. */
  readonly position: number;
  /** See `makeTokenAndMark`. */
  readonly mark: string;
}

const prefixes = { bounce: 'b', unsubscribe: 'u' } as const satisfies Record<ReturnPath['kind'], string>;
/** The largest integer of the database, which campaigns and positions are numbered with. */
const largestInteger = 2 ** 31 - 1;
/** `b-zik0zj-zik0zj-` and a mark of 24 digits: well within the 64 octets of RFC 5321 section 4.5.3.1.1. */
const localPartLength = 2 + 6 + 1 + 6 + 1 + 24;
/** RFC 5321 section 4.5.3.1.3: 254 octets for the whole address. */
export const returnDomainMaximum = 254 - localPartLength - 1;

/** The addresses of one recipient's message. What is the same for a whole campaign is made once. */
export class ReturnPaths {
  readonly #bounce: string;
  readonly #unsubscribe: string;

  /** @param domain EXM_BOUNCE_DOMAIN */
  constructor(
    campaignNumber: number,
    private readonly domain: string,
  ) {
    const campaign = campaignNumber.toString(36);
    this.#bounce = `${prefixes.bounce}-${campaign}-`;
    this.#unsubscribe = `${prefixes.unsubscribe}-${campaign}-`;
  }

  /** Sender of the envelope: where notifications about the message go. */
  bounce(position: number, mark: string): string {
    return `${this.#bounce}${position.toString(36)}-${mark}@${this.domain}`;
  }

  /** Where whoever unsubscribes by mail writes to. */
  unsubscribe(position: number, mark: string): string {
    return `${this.#unsubscribe}${position.toString(36)}-${mark}@${this.domain}`;
  }
}

/**
 * Takes apart an address that mail came to; undefined where it is none of ours by its form. Whether its mark is right is
 * another question. Mail servers on the way may have changed the case, which RFC 5321 does not let them.
 *
 * @param domain EXM_BOUNCE_DOMAIN; left out, any: what proves an address is its mark, and the domain may have been another
 */
export function parseReturnPath(address: string, domain?: string): ReturnPath | undefined {
  const at = address.lastIndexOf('@');
  if (domain !== undefined && asciiDomain(address.slice(at + 1).toLowerCase()) !== domain) return undefined;
  const [, prefix, campaign = '', position = '', mark = ''] =
    /^([bu])-([1-9a-z][0-9a-z]{0,5})-(0|[1-9a-z][0-9a-z]{0,5})-([0-9a-f]{24})$/.exec(
      address.slice(0, Math.max(0, at)).toLowerCase(),
    ) ?? [];
  if (prefix === undefined) return undefined;
  const [campaignNumber, place] = [Number.parseInt(campaign, 36), Number.parseInt(position, 36)];
  if (campaignNumber > largestInteger || place > largestInteger) return undefined;
  return { kind: prefix === 'b' ? 'bounce' : 'unsubscribe', campaignNumber, position: place, mark };
}
