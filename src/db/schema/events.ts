import { bigint, index, integer, jsonb, pgTable, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import type { BounceDetail } from '../../domain/feedback.ts';
import { campaignRef } from './campaigns.ts';
import { instant } from './columns.ts';

/** What content-delivery stores before it answers; the processing role turns it into interactions and removes it. */
export const eventInbox = pgTable('event_inbox', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  type: text('type').notNull(),
  campaignId: text('campaign_id').notNull(),
  position: integer('position').notNull(),
  contactId: bigint('contact_id', { mode: 'number' }).notNull(),
  /** Number of the tracked link; null for an open. */
  link: smallint('link'),
  userAgent: text('user_agent').notNull().default(''),
  /** Of a Bounce or SpamComplaint. */
  detail: jsonb('detail').$type<BounceDetail>(),
  at: instant('at').notNull().defaultNow(),
});

/** EmailOpened, EmailClicked, UnsubscribedFromEmail, Bounce, SpamComplaint. EmailSent is dispatch_outcome. */
export const interaction = pgTable(
  'interaction',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    type: text('type').notNull(),
    campaignId: text('campaign_id').notNull(),
    position: integer('position').notNull(),
    contactId: bigint('contact_id', { mode: 'number' }).notNull(),
    link: smallint('link'),
    /**
     * `person`, `image-proxy`, `prefetch`, `link-scanner` or `bot`, and `mail-server` for what came back by mail: stored
     * as what it is, not dropped.
     */
    agent: text('agent').notNull().default('person'),
    /** How many times within 300 s: repeats count once. */
    repeats: integer('repeats').notNull().default(0),
    /** Of a Bounce or SpamComplaint. */
    detail: jsonb('detail').$type<BounceDetail>(),
    at: instant('at').notNull(),
  },
  (t) => [
    index('interaction_campaign').on(t.campaignId, t.type, t.position, t.at),
    index('interaction_contact').on(t.contactId, t.at),
  ],
);

/** Aggregates of the reports: one row per campaign and event type. */
export const campaignStatistic = pgTable(
  'campaign_statistic',
  {
    campaignId: campaignRef(),
    type: text('type').notNull(),
    agent: text('agent').notNull(),
    total: integer('total').notNull().default(0),
    /** Different recipients. */
    unique: integer('unique').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.campaignId, t.type, t.agent] })],
);
