import { randomBytes } from 'node:crypto';
import { domainOf } from '../mailbox.ts';

/**
 * Text for a header: one line, no control or direction-changing characters, no longer than `maximum` characters.
 * Whatever a contact's values hold, they cannot begin a header of their own.
 */
export function headerText(text: string, maximum: number): string {
  if (text.length <= maximum && (isHeaderText.test(text) || isForeignHeaderText.test(text))) return text;
  const clean = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu, ' ')
    // What only looks like an encoded word (RFC 2047) would be decoded by the reader's program.
    .replaceAll('=?', '= ?')
    .replace(/ {2,}/g, ' ')
    .trim();
  const characters = [...clean];
  return characters.length <= maximum ? clean : characters.slice(0, maximum).join('').trimEnd();
}

/** The usual case: nothing to be changed. */
const isHeaderText = /^[!-<>-~]+(?: [!-<>-~]+)*$/;
/** The same with letters of any script. */
const isForeignHeaderText = /^[!-<>-~\p{L}]+(?: [!-<>-~\p{L}]+)*$/u;

/**
 * Message-ID of a recipient's message: the same over all tries, so that mail programs can drop a repeat. It names the
 * campaign and the position, for bounces quote it, and a mark made with our keys keeps others from naming one. Each
 * test message has another one.
 *
 * @param domain the sender's, in ASCII form
 */
export function messageIdFor(campaignId: string, position: number, mark: string, domain: string): string {
  const own = position === 0 ? randomBytes(12).toString('hex') : mark;
  return `<${campaignId}.${position}.${own}@${domain}>`;
}

/** RFC 2919: the same for all campaigns of a sender, so that people can sort by it. `news@example.com` is `<news.example.com>`. */
export function listIdFor(sender: string): string {
  const local = sender.slice(0, sender.lastIndexOf('@')).replace(/[^A-Za-z0-9-]+/g, '-');
  return `<${local.replace(/^-+|-+$/g, '') || 'list'}.${domainOf(sender)}>`;
}

/** Campaign, variant, language and sender, as Gmail's feedback loop takes them apart. */
export function feedbackIdFor(campaignId: string, variant: number, language: string, sender: string): string {
  const senderId = domainOf(sender)
    .replace(/[^a-z0-9]/gi, '')
    .slice(0, 15);
  return [campaignId, `variant-${variant}`, language, senderId.padEnd(5, '0')].join(':');
}
