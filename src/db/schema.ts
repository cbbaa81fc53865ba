import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import type { CampaignState, DispatchWord, SubState } from '../domain/campaign-state.ts';
import type { OutcomeKind } from '../domain/outcome.ts';

const instant = (name: string) => timestamp(name, { withTimezone: true });
const createdAt = () => instant('created_at').notNull().defaultNow();
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const campaignRef = () =>
  text('campaign_id')
    .notNull()
    .references(() => campaign.id, { onDelete: 'cascade' });

// --- Contacts -----------------------------------------------------------------------------------------------

/** A person. The facets PersonalInformation, EmailAddressList (preferred address) and ConsentInformation are columns. */
export const contact = pgTable('contact', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  /** The preferred address, as it was given. */
  email: text('email').notNull(),
  /** The address in the form that is compared: see `emailKey` in src/contacts. One contact per address. */
  emailKey: text('email_key').notNull().unique(),
  firstName: text('first_name').notNull().default(''),
  lastName: text('last_name').notNull().default(''),
  /** BCP 47 tag, lower case; empty where unknown. */
  language: text('language').notNull().default(''),
  /** Free facet values by name. */
  facets: jsonb('facets').$type<Record<string, string>>().notNull().default({}),
  /** ConsentInformation.DoNotMarket */
  doNotMarket: boolean('do_not_market').notNull().default(false),
  /** ConsentInformation.ConsentRevoked */
  consentRevoked: boolean('consent_revoked').notNull().default(false),
  /** EmailAddressList: bounces of the preferred address since the last sign of life. */
  bounceCount: integer('bounce_count').notNull().default(0),
  createdAt: createdAt(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

/** A static list. */
export const contactList = pgTable('contact_list', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  name: text('name').notNull().unique(),
  createdAt: createdAt(),
});

/**
 * Who is on a list. Without foreign keys: checking the two of each row took more than half of an import of a million.
 * Whoever deletes a contact or a list deletes its memberships; one without its contact counts for nobody.
 */
export const listMember = pgTable(
  'list_member',
  {
    listId: integer('list_id').notNull(),
    contactId: bigint('contact_id', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.listId, t.contactId] }), index('list_member_contact').on(t.contactId)],
);

/**
 * Addresses that get nothing any more as members of this list. Being on the list is not touched by it, so that no import
 * takes the "no" back; only `exm contact opt-in --list` does.
 */
export const listOptOut = pgTable(
  'list_opt_out',
  {
    listId: integer('list_id')
      .notNull()
      .references(() => contactList.id, { onDelete: 'cascade' }),
    emailKey: text('email_key').notNull(),
    reason: text('reason').notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.listId, t.emailKey] }), index('list_opt_out_email').on(t.emailKey)],
);

/** The global opt-out list: addresses that get nothing at all, whether or not they are a contact. */
export const globalOptOut = pgTable('global_opt_out', {
  emailKey: text('email_key').primaryKey(),
  reason: text('reason').notNull(),
  createdAt: createdAt(),
});

/** The suppression list (CheckSuppressionList): addresses no mail server should be bothered with. */
export const suppression = pgTable('suppression', {
  emailKey: text('email_key').primaryKey(),
  reason: text('reason').notNull(),
  createdAt: createdAt(),
});

// --- Campaigns ----------------------------------------------------------------------------------------------

export const campaign = pgTable(
  'campaign',
  {
    /** Readable and unguessed at: `autumn-7k3f`. */
    id: text('id').primaryKey(),
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
    createdAt: createdAt(),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    index('campaign_created').on(t.createdAt),
    check('campaign_word', sql`${t.word} in ('go', 'pause', 'cancel')`),
  ],
);

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

// --- Dispatch and ledger ------------------------------------------------------------------------------------

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
  startedAt: instant('started_at').notNull().defaultNow(),
  seenAt: instant('seen_at').notNull().defaultNow(),
  /** Of a dispatcher: the campaigns that it cannot send, and why. */
  unready: jsonb('unready').$type<Record<string, string>>().notNull().default({}),
  /** Set when a planned stop begins, or an end of any kind: it takes no new work. */
  stoppingAt: instant('stopping_at'),
  /** The last act of a planned stop. Where it is missing and nothing was heard any more, the server died. */
  stoppedAt: instant('stopped_at'),
});

// --- Events -------------------------------------------------------------------------------------------------

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
    /** `person`, `image-proxy`, `link-scanner` or `bot`: stored as what it is, not dropped. */
    agent: text('agent').notNull().default('person'),
    /** How many times within 300 s: repeats count once. */
    repeats: integer('repeats').notNull().default(0),
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
