import { createHash } from 'node:crypto';
import type { Database } from '../../db/connect.ts';

/** A message that came back, as it was received. */
export interface ReceivedMessage {
  readonly source: 'smtp' | 'maildir' | 'webhook';
  /** Sender and recipient of the envelope; empty where there was none. */
  readonly envelopeFrom: string;
  readonly envelopeTo: string;
  readonly raw: Uint8Array;
  /** When it was reported, of what says itself no time: the same words of another time are another message. */
  readonly reportedAt?: string | undefined;
}

/** Kept of a message, bytes: what it is about stands at its beginning, what it sends back at its end. */
export const messageMaximum = 1_048_576;

const statementTimeoutMs = 5_000;
/** Characters kept of an address of the envelope. */
const addressMaximum = 320;

/**
 * Stores a message, before whoever brought it is told that it was taken. The same one for the same recipient is stored once, so
 * that it may be brought again by who did not hear the answer.
 *
 * @returns false where it was there already
 * @throws the database's error where it was not stored
 */
export async function storeFeedback(
  db: Database,
  { source, envelopeFrom, envelopeTo, raw, reportedAt }: ReceivedMessage,
): Promise<boolean> {
  const recipient =
    reportedAt === undefined ? envelopeTo.toLowerCase() : `${envelopeTo.toLowerCase()}\n${reportedAt}`;
  const hash = createHash('sha256').update(`${recipient}\0`).update(raw).digest();
  const statement = {
    text: `insert into feedback (source, hash, envelope_from, envelope_to, raw) values ($1, $2, $3, $4, $5)
           on conflict (hash) do nothing`,
    values: [source, hash, clean(envelopeFrom), clean(envelopeTo), Buffer.from(raw)],
    query_timeout: statementTimeoutMs,
  };
  const { rowCount } = await db.$client.query(statement);
  return rowCount === 1;
}

function clean(address: string): string {
  return address
    .toWellFormed()
    .replace(/\p{Cc}/gu, '')
    .slice(0, addressMaximum);
}
