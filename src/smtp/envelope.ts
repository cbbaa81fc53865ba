/** Who a message is from and to, as the mail server is told. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
}

/** Steps of a mail transaction before the content, in their order. */
export type EnvelopeStep = 'RSET' | 'MAIL' | 'RCPT' | 'DATA';

/** Whether a message can only go by SMTPUTF8 (RFC 6531). Domains are in ASCII form already. */
export function needsSmtpUtf8({ from, to }: Envelope): boolean {
  return isBeyondAscii(from) || isBeyondAscii(to);
}

export function isBeyondAscii(address: string): boolean {
  return /[^\0-\x7f]/.test(address);
}
