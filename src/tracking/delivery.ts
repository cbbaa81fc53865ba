import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Keys } from '../config/keys.ts';
import type { Database } from '../db/connect.ts';
import type { Logger } from '../logging.ts';
import type { Mailbox } from '../message/content.ts';
import type { CampaignContents } from './campaign-contents.ts';
import type { EventInbox, TrackingEvent } from './event-inbox.ts';
import type { HostedImages } from './hosted-images.ts';
import type { KeptUnsubscribes } from './kept-unsubscribes.ts';
import type { TokenPayload } from './links/token.ts';
import { type Page, pageSecurityPolicy } from './pages/frame.ts';
import { acceptedLanguages, choosePageLanguage, type PageLanguage } from './pages/texts.ts';

/** What the routes of content-delivery work with. */
export interface Delivery {
  readonly db: Database;
  readonly keys: Keys;
  readonly log: Logger;
  readonly contents: CampaignContents;
  readonly inbox: EventInbox;
  readonly images: HostedImages;
  /** Keeps what people wanted to stop while the database was away; left out, they have to try again. */
  readonly kept?: KeptUnsubscribes | undefined;
  /** Who sends the mail that asks to confirm a subscription; without one nobody can subscribe here. */
  readonly sender?: Mailbox | undefined;
}

/** An answer waits so long for its event to be stored. Milliseconds; see `storeBeforeAnswer`. */
const storePatienceMs = 2_000;

/**
 * An event is stored before its request is answered. Where the database does not take it within two seconds, the
 * answer goes out all the same, because nobody who clicked is kept waiting for our books, and the event stays in
 * memory until the database is back. Then it is lost only if this process is killed before that.
 *
 * @returns false where it was not even taken into memory, because too many wait there already.
 */
export async function storeBeforeAnswer(
  { inbox }: Delivery,
  request: FastifyRequest,
  { campaignId, position, contactId }: TokenPayload,
  event: Pick<TrackingEvent, 'type' | 'link'>,
): Promise<boolean> {
  // HEAD only asks whether the link works, and position 0 is a test message: neither is an event.
  if (request.method !== 'GET' || position === 0) return true;
  const userAgent = request.headers['user-agent'] ?? '';
  let patience: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      inbox.store({ ...event, campaignId, position, contactId, userAgent, at: new Date() }),
      new Promise<void>((resolve) => {
        patience = setTimeout(resolve, storePatienceMs);
      }),
    ]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(patience);
  }
}

/** Who a page or a mail is from, in a person's words; empty where it is not known. */
export function senderName(from: Mailbox | undefined): string {
  return from?.name || from?.address || '';
}

/** Language of a page: the person's, else the browser's. */
export function pageLanguage(request: FastifyRequest, personal = ''): PageLanguage {
  return choosePageLanguage(personal, ...acceptedLanguages(request.headers['accept-language']));
}

/** Answers with one of our pages. */
export function sendPage(reply: FastifyReply, { status, html }: Page): FastifyReply {
  if (status === 503) reply.header('retry-after', '10');
  return reply
    .code(status)
    .header('content-security-policy', pageSecurityPolicy)
    .type('text/html; charset=utf-8')
    .send(html);
}
