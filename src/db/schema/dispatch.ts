import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
} from 'drizzle-orm/pg-core';
import type { ExclusionReason, OutcomeKind } from '../../domain/outcome.ts';
import { campaignRef } from './campaigns.ts';
import { createdAt, instant } from './columns.ts';

// The tables with a row per recipient have no foreign keys: the check of each row costs more than the row.

/** EXM's DispatchQueue: who is to get the campaign. Written once by QueueMessage, never changed. Positions from 1. */
export const dispatchQueue = pgTable(
  'dispatch_queue',
  {
    campaignId: text('campaign_id').notNull(),
    position: integer('position').notNull(),
    contactId: bigint('contact_id', { mode: 'number' }).notNull(),
    /** Null: the winner of the A/B test, `campaign.winner`. */
    variant: smallint('variant').default(0),
    /** Language of the body that this recipient gets. */
    language: text('language').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.campaignId, t.position] }),
    index('dispatch_queue_contact').on(t.contactId),
  ],
);

/** Contacts of the included lists that QueueMessage left out, with the first reason that held. Written with the queue. */
export const dispatchExclusion = pgTable(
  'dispatch_exclusion',
  {
    campaignId: text('campaign_id').notNull(),
    contactId: bigint('contact_id', { mode: 'number' }).notNull(),
    reason: text('reason').$type<ExclusionReason>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.campaignId, t.contactId] })],
);

/** One SendBatch: its range, who holds it, and its counts. `lease` goes up with each attempt: only the last may write. */
export const dispatchBatch = pgTable(
  'dispatch_batch',
  {
    campaignId: campaignRef(),
    batch: integer('batch').notNull(),
    first: integer('first').notNull(),
    last: integer('last').notNull(),
    lease: integer('lease').notNull().default(0),
    server: text('server').notNull(),
    leasedAt: instant('leased_at').notNull().defaultNow(),
    endedAt: instant('ended_at'),
    sent: integer('sent').notNull().default(0),
    failed: integer('failed').notNull().default(0),
    skipped: integer('skipped').notNull().default(0),
    inDoubt: integer('in_doubt').notNull().default(0),
    /** Another attempt at it, or at a part of it, waits for it to be handed back. */
    wanted: boolean('wanted').notNull().default(false),
    /**
     * Where nobody may be mailed twice: the group whose messages may be on their way. Whoever of it has no outcome is
     * in doubt if the batch is taken from its holder.
     */
    announcedFirst: integer('announced_first'),
    announcedLast: integer('announced_last'),
    announcedAt: instant('announced_at'),
  },
  (t) => [primaryKey({ columns: [t.campaignId, t.batch] })],
);

/**
 * The ledger: what became of each queued recipient. This row is EXM's EmailSent interaction (or DispatchFailed).
 * Inserted once, unique by (campaign, position), and never changed but for one case: who stands as in doubt or
 * cancelled is entered as what the journal of a killed dispatcher knows, when its host is back.
 */
export const dispatchOutcome = pgTable(
  'dispatch_outcome',
  {
    campaignId: text('campaign_id').notNull(),
    position: integer('position').notNull(),
    contactId: bigint('contact_id', { mode: 'number' }).notNull(),
    batch: integer('batch').notNull(),
    server: text('server').notNull(),
    kind: text('kind').$type<OutcomeKind>().notNull(),
    /** Why it failed, was skipped or is in doubt. */
    reason: text('reason'),
    /** The mail server's last reply. */
    reply: text('reply'),
    messageId: text('message_id'),
    at: instant('at').notNull(),
  },
  (t) => [
    // By contact it is found by way of the queue: an index of its own would cost each outcome a third more.
    primaryKey({ columns: [t.campaignId, t.position] }),
    check('dispatch_outcome_kind', sql`${t.kind} in ('sent', 'failed', 'skipped', 'cancelled', 'in_doubt')`),
  ],
);

/** Recipients whose mail server said "later" (4xx): due again at `due_at`. Removed when the outcome is recorded. */
export const dispatchDeferral = pgTable(
  'dispatch_deferral',
  {
    campaignId: text('campaign_id').notNull(),
    position: integer('position').notNull(),
    attempts: integer('attempts').notNull(),
    firstAt: instant('first_at').notNull(),
    dueAt: instant('due_at').notNull(),
    reply: text('reply').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.campaignId, t.position] }),
    index('dispatch_deferral_due').on(t.campaignId, t.dueAt),
  ],
);

/** Addresses of a test send: kept here so that they never stand in a Temporal history. */
export const testSend = pgTable('test_send', {
  id: text('id').primaryKey(),
  campaignId: campaignRef(),
  addresses: jsonb('addresses').$type<string[]>().notNull(),
  languages: jsonb('languages').$type<string[]>().notNull().default([]),
  variants: jsonb('variants').$type<number[]>().notNull().default([]),
  createdAt: createdAt(),
  /** One entry per message tried. */
  results: jsonb('results').$type<TestSendResult[]>(),
});

export interface TestSendResult {
  readonly address: string;
  readonly language: string;
  readonly variant: number;
  readonly ok: boolean;
  readonly reply: string;
}

/** Every worker process says here that it lives, and reads here what it is told. */
export const server = pgTable('server', {
  name: text('name').primaryKey(),
  role: text('role').notNull(),
  /** Pool of a dispatcher; empty for other roles. */
  pool: text('pool').notNull().default(''),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  /** One slot sends one message at a time: EXM's NumberThreads. */
  threads: integer('threads').notNull().default(0),
  /** EXM's Sleep: pause of a slot after each message. Changed here, it takes effect with the next flush. */
  sleepMs: integer('sleep_ms').notNull().default(0),
  /** What it says of itself: `ok`, or what is wrong. */
  health: text('health').notNull().default('ok'),
  /** Fingerprints of the keys by which it reads links and return paths. */
  readsKeys: text('reads_keys').array().notNull().default([]),
  startedAt: instant('started_at').notNull().defaultNow(),
  seenAt: instant('seen_at').notNull().defaultNow(),
  /** Of a dispatcher: the campaigns that it cannot send, and why. */
  unready: jsonb('unready').$type<Record<string, string>>().notNull().default({}),
  /** Set when a planned stop begins, or an end of any kind: it takes no new work. */
  stoppingAt: instant('stopping_at'),
  /** The last act of a planned stop. Where it is missing and nothing was heard any more, the server died. */
  stoppedAt: instant('stopped_at'),
});
