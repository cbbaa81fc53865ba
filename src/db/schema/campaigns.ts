import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
} from 'drizzle-orm/pg-core';
import type { CampaignState, DispatchWord, SubState } from '../../domain/campaign-state.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import { bytes, createdAt, instant } from './columns.ts';
import { contactList } from './contacts.ts';

export const campaign = pgTable(
  'campaign',
  {
    /** Readable and unguessed at: `autumn-7k3f`. */
    id: text('id').primaryKey(),
    /** Short and unique, for return paths, which RFC 5321 allows 64 octets before the @. */
    number: integer('number').notNull().unique().generatedAlwaysAsIdentity(),
    name: text('name').notNull(),
    state: text('state').$type<CampaignState>().notNull().default('Draft'),
    subState: text('sub_state').$type<SubState>().notNull().default('None'),
    /** Why it is paused, went back to Draft or was cancelled. */
    reason: text('reason'),
    /** What dispatchers are told with each flush of their outcomes. */
    word: text('word').$type<DispatchWord>().notNull().default('go'),
    /** The campaign file as it was accepted, with its templates: `CampaignDefinition` in src/message. */
    definition: jsonb('definition').notNull(),
    /** Hash of the frozen content; null until PublishDispatchItems. */
    contentHash: text('content_hash'),
    /** Number of rows in dispatch_queue; null until QueueMessage. */
    queued: integer('queued'),
    /**
     * A/B test: so many recipients get it, at the first positions of the queue. Null where there is no test, and until
     * QueueMessage. Whoever is behind them waits for `winner`.
     */
    testSize: integer('test_size'),
    /** When everybody of the test had been sent to, or put off: from then on the clock runs. */
    testOutAt: instant('test_out_at'),
    /** When the clock chooses the winner; null where a person does. */
    winnerDueAt: instant('winner_due_at'),
    /** Variant that whoever is behind the test gets; null until it is chosen. */
    winner: smallint('winner'),
    /** Who chose it: a person, or exm. */
    winnerBy: text('winner_by'),
    winnerAt: instant('winner_at'),
    /** Contacts of the included lists that were not queued, by reason. */
    excluded: jsonb('excluded').$type<Record<string, number>>().notNull().default({}),
    /** Reasons that its DispatchManager overrules by name; they are not looked at when it is sent either. */
    overruled: jsonb('overruled').$type<ExclusionReason[]>().notNull().default([]),
    /** What had been counted when a person resumed it after it paused itself over its rates: only what came since counts. */
    rateBase: jsonb('rate_base').$type<RateBase>(),
    createdAt: createdAt(),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    index('campaign_created').on(t.createdAt),
    check('campaign_word', sql`${t.word} in ('go', 'pause', 'cancel')`),
  ],
);

/** People, not events: whoever bounced twice counts once. */
export interface RateCounts {
  readonly sent: number;
  readonly bounces: number;
  readonly complaints: number;
}

export interface RateBase extends RateCounts {
  /** Why and since when it is to pause itself, while its workflow is not told yet. */
  readonly pausing?: { readonly reason: string; readonly at: string };
}

/** Lists a campaign goes to (`include`) and lists it must not go to (`exclude`). */
export const campaignList = pgTable(
  'campaign_list',
  {
    campaignId: campaignRef(),
    listId: integer('list_id')
      .notNull()
      .references(() => contactList.id),
    role: text('role').$type<'include' | 'exclude'>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.campaignId, t.listId, t.role] })],
);

/** Audit trail: who changed what, when and why. Rows are never changed. */
export const campaignAudit = pgTable(
  'campaign_audit',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    campaignId: campaignRef(),
    at: instant('at').notNull().defaultNow(),
    actor: text('actor').notNull(),
    /** `state`, `sub-state`, `pause`, ... */
    what: text('what').notNull(),
    from: text('from'),
    to: text('to'),
    why: text('why'),
  },
  (t) => [index('campaign_audit_campaign').on(t.campaignId, t.id)],
);

/** Frozen content by its hash. Rows are never changed. */
export const content = pgTable('content', {
  /** SHA-256 of `body` in canonical JSON, hexadecimal. */
  hash: text('hash').primaryKey(),
  /** `FrozenContent` in src/message, as text so that the hash is that of the very bytes. */
  body: text('body').notNull(),
  createdAt: createdAt(),
});

/**
 * Attachments and images of campaigns, by their hash: what several campaigns have is stored once. Rows are never changed.
 * Names and types are the campaign's, for the same bytes may have two.
 */
export const contentFile = pgTable('content_file', {
  /** SHA-256 of `bytes`, hexadecimal. */
  hash: text('hash').primaryKey(),
  bytes: bytes('bytes').notNull(),
  createdAt: createdAt(),
});

/** Tracked links of a campaign (DeployAnalytics). Events refer to them by number; rows are never changed. */
export const campaignLink = pgTable(
  'campaign_link',
  { campaignId: campaignRef(), number: smallint('number').notNull(), url: text('url').notNull() },
  (t) => [primaryKey({ columns: [t.campaignId, t.number] })],
);

/** Variants of a campaign's content (DeployAnalytics). Rows are never changed. */
export const campaignVariant = pgTable(
  'campaign_variant',
  { campaignId: campaignRef(), number: smallint('number').notNull(), name: text('name').notNull() },
  (t) => [primaryKey({ columns: [t.campaignId, t.number] })],
);

/** Goals of a campaign (DeployAnalytics): a tracked link whose click counts as reaching the goal. */
export const campaignGoal = pgTable(
  'campaign_goal',
  {
    campaignId: campaignRef(),
    name: text('name').notNull(),
    link: smallint('link').notNull(),
    value: integer('value').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.campaignId, t.name] })],
);

/** Column of what belongs to a campaign and goes with it. */
export function campaignRef() {
  return text('campaign_id')
    .notNull()
    .references(() => campaign.id, { onDelete: 'cascade' });
}
