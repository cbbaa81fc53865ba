import { sql } from 'drizzle-orm';
import { bigint, check, index, pgTable, text } from 'drizzle-orm/pg-core';
import { bytes, instant } from './columns.ts';

/**
 * Messages received about messages sent: delivery status notifications, complaints, unsubscribes by mail. Stored before
 * the sender is told that it was taken; the processing role reads them. `raw` goes when it was understood; what was not is kept
 * and listed until a person decides.
 */
export const feedback = pgTable(
  'feedback',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    source: text('source').$type<'smtp' | 'maildir' | 'webhook'>().notNull(),
    /** SHA-256 of the envelope's recipient and the message: the same one is taken once. */
    hash: bytes('hash').notNull().unique(),
    envelopeFrom: text('envelope_from').notNull().default(''),
    envelopeTo: text('envelope_to').notNull().default(''),
    raw: bytes('raw'),
    state: text('state').$type<FeedbackState>().notNull().default('new'),
    /** What it was, or why it is unclear; without addresses. */
    verdict: text('verdict').notNull().default(''),
    receivedAt: instant('received_at').notNull().defaultNow(),
    processedAt: instant('processed_at'),
  },
  (t) => [
    index('feedback_state').on(t.state, t.id),
    check('feedback_state_known', sql`${t.state} in ('new', 'understood', 'unclear', 'dismissed')`),
  ],
);

export type FeedbackState = 'new' | 'understood' | 'unclear' | 'dismissed';
