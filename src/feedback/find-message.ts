import { timingSafeEqual } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { TrackingKeys } from '../config/keys.ts';
import type { Queries } from '../db/connect.ts';
import type { ReturnPath } from '../message/return-path.ts';
import {
  makeTokenAndMark,
  openToken,
  pairsOf,
  returnMark,
  type TokenKeys,
  type TokenPayload,
} from '../tracking/links/token.ts';
import type { About } from './reading/notification.ts';

/**
 * The message that an address of ours was made for. @returns undefined where it was not made with our keys, also where the
 * campaign or its queue is gone: then nothing proves it any more
 */
export async function findByReturnPath(
  db: Queries,
  keys: TokenKeys,
  { campaignNumber, position, mark }: ReturnPath,
): Promise<TokenPayload | undefined> {
  return await withMark(db, keys, sql`c.number = ${campaignNumber}`, position, mark, returnMark);
}

/**
 * The message that a notification is about, by what it quotes of it and nobody else could have written: the mark in its
 * Message-ID, or the token in its List-Unsubscribe. What is only said (Final-Recipient) is never believed.
 */
export async function findByQuote(
  db: Queries,
  keys: TokenKeys,
  { messageId, listUnsubscribe }: About,
): Promise<TokenPayload | undefined> {
  return (
    (messageId === undefined ? undefined : await findByMessageId(db, keys, messageId)) ??
    (listUnsubscribe === undefined ? undefined : findByLink(keys, listUnsubscribe))
  );
}

async function findByMessageId(
  db: Queries,
  keys: TokenKeys,
  messageId: string,
): Promise<TokenPayload | undefined> {
  const [, campaignId, position, mark] =
    /^<?([^\s<>@]{1,100})\.(\d{1,10})\.([0-9a-f]{24})@[^\s<>@]{1,255}>?$/i.exec(messageId.trim()) ?? [];
  if (campaignId === undefined || mark === undefined || Number(position) > 2 ** 31 - 1) return undefined;
  return await withMark(
    db,
    keys,
    sql`c.id = ${campaignId}`,
    Number(position),
    mark.toLowerCase(),
    (own) => own,
  );
}

/** The field may be folded anywhere that its parts allow, and elsewhere by who quotes it. */
function findByLink(keys: TokenKeys, listUnsubscribe: string): TokenPayload | undefined {
  const [, token] =
    /\/u\/([A-Za-z0-9_-]{20,})/.exec(listUnsubscribe.slice(0, 4_000).replace(/\s+/g, '')) ?? [];
  return token === undefined ? undefined : openToken(token, keys);
}

async function withMark(
  db: Queries,
  keys: TokenKeys,
  isCampaign: ReturnType<typeof sql>,
  position: number,
  mark: string,
  made: MadeMark,
): Promise<TokenPayload | undefined> {
  const { rows } = await db.execute<{ campaignId: string; contactId: string | null }>(sql`
    select c.id as "campaignId", q.contact_id as "contactId"
      from campaign c left join dispatch_queue q on q.campaign_id = c.id and q.position = ${position}
     where ${isCampaign}`);
  const [row] = rows;
  if (row === undefined) return undefined;
  // Position 0 is that of test messages, and of no contact.
  const contactId = position === 0 ? 0 : row.contactId;
  if (contactId === null) return undefined;
  const payload = { campaignId: row.campaignId, position, contactId: Number(contactId) };
  return isMarkOf(payload, mark, keys, made) ? payload : undefined;
}

/** How the mark is made of that of the Message-ID. */
type MadeMark = (mark: string, keys: TrackingKeys) => string;

function isMarkOf(payload: TokenPayload, mark: string, keys: TokenKeys, made: MadeMark): boolean {
  const given = Buffer.from(mark, 'latin1');
  return pairsOf(keys).some((pair) => {
    const right = Buffer.from(made(makeTokenAndMark(payload, pair).mark, pair), 'latin1');
    return right.length === given.length && timingSafeEqual(right, given);
  });
}
