import { createHmac, randomBytes } from 'node:crypto';
import type { Keys } from '../config/keys.ts';
import { domainOf } from './mailbox.ts';

/**
 * Text for a header: one line, no control or direction-changing characters, no longer than `maximum` characters.
 * Whatever a contact's values hold, they cannot begin a header of their own.
 */
export function headerText(text: string, maximum: number): string {
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

/**
 * Message-ID of a recipient's message: the same over all tries, so that mail programs can drop a repeat. It names the
 * campaign and the position, for bounces quote it, and a signature keeps others from naming one.
 */
export function messageIdFor(campaignId: string, position: number, sender: string, keys: Keys): string {
  const signature =
    position === 0
      ? randomBytes(12).toString('hex')
      : createHmac('sha256', keys.authentication)
          .update(`message-id\n${campaignId}\n${position}`)
          .digest('hex')
          .slice(0, 24);
  return `<${campaignId}.${position}.${signature}@${domainOf(sender)}>`;
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
