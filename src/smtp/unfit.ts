import { type Envelope, isBeyondAscii } from './envelope.ts';
import type { SmtpOffers } from './offers.ts';
import type { SmtpResult } from './reply.ts';

/**
 * Why a mail server cannot be asked to take a message, by what it offers; undefined where it can.
 *
 * @param size of the message, bytes
 */
export function whyUnfit(envelope: Envelope, size: number, offers: SmtpOffers): SmtpResult | undefined {
  const { smtpUtf8, sizeMaximum } = offers;
  if (!smtpUtf8 && isBeyondAscii(envelope.from)) {
    return {
      kind: 'sender-refused',
      reply: 'the mail server does not offer SMTPUTF8, which an address beyond ASCII needs',
    };
  }
  if (!smtpUtf8 && isBeyondAscii(envelope.to)) {
    return {
      kind: 'unfit',
      reply: 'the address is not ASCII before its @, and the mail server does not take such (SMTPUTF8)',
    };
  }
  if (sizeMaximum !== undefined && size > sizeMaximum) {
    return { kind: 'unfit', reply: `the message is larger than the mail server takes (SIZE ${sizeMaximum})` };
  }
  return undefined;
}
