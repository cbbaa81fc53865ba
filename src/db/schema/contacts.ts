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
  text,
} from 'drizzle-orm/pg-core';
import type { FacetType, FacetValues } from '../../domain/facet.ts';
import { type SuppressionCause, suppressionCauses } from '../../domain/suppression.ts';
import { bytes, createdAt, instant } from './columns.ts';

/** A person. The facets PersonalInformation, EmailAddressList (preferred address) and ConsentInformation are columns. */
export const contact = pgTable(
  'contact',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** The preferred address, as it was given. */
    email: text('email').notNull(),
    /** The address in the form that is compared: see `emailKey` in src/contacts. One contact per address. */
    emailKey: text('email_key').notNull().unique(),
    firstName: text('first_name').notNull().default(''),
    lastName: text('last_name').notNull().default(''),
    /** BCP 47 tag, lower case; empty where unknown. */
    language: text('language').notNull().default(''),
    /** Free facet values by name, of the types that `facet` says. */
    facets: jsonb('facets').$type<FacetValues>().notNull().default({}),
    /** ConsentInformation.DoNotMarket */
    doNotMarket: boolean('do_not_market').notNull().default(false),
    /** ConsentInformation.ConsentRevoked */
    consentRevoked: boolean('consent_revoked').notNull().default(false),
    /** EmailAddressList: bounces of the preferred address since the last sign of life. */
    bounceCount: integer('bounce_count').notNull().default(0),
    /** Since when `email` is the preferred address: what came back of mail that was sent before says nothing about it. */
    addressSince: instant('address_since').notNull().defaultNow(),
    /** True after a change of address until the first message to the new one: see `emailAddressHistory`. */
    historyPending: boolean('history_pending').notNull().default(false),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  // Queueing asks which of the addresses that were left say "no", whoever has them.
  (t) => [index('contact_says_no').on(t.emailKey).where(sql`${t.doNotMarket} or ${t.consentRevoked}`)],
);

/**
 * Types of free facets. A facet without a row here is text. Values in `contact.facets` are of the type that stands here:
 * who changes a type changes the values in the same transaction.
 */
export const facet = pgTable('facet', {
  name: text('name').primaryKey(),
  type: text('type').$type<FacetType>().notNull(),
  createdAt: createdAt(),
});

/**
 * EXM's facet EmailAddressHistory: addresses a contact was sent to before, or since a change. An address counts from
 * `usedFrom` until the next row's; a contact without rows has always had the address that it has now.
 */
export const emailAddressHistory = pgTable(
  'email_address_history',
  {
    contactId: bigint('contact_id', { mode: 'number' }).notNull(),
    email: text('email').notNull(),
    emailKey: text('email_key').notNull(),
    usedFrom: instant('used_from').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.contactId, t.usedFrom] }),
    index('email_address_history_email').on(t.emailKey),
  ],
);

/** BounceCount of addresses that their contacts have left, and nobody has got since: it is the mailbox's. */
export const leftMailbox = pgTable('left_mailbox', {
  emailKey: text('email_key').primaryKey(),
  bounceCount: integer('bounce_count').notNull(),
});

/** EXM's EmailAddressHistoryBus: changes of address found while sending, one row per batch, until processing took them. */
export const emailAddressHistoryBus = pgTable('email_address_history_bus', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  campaignId: text('campaign_id').notNull(),
  batch: integer('batch').notNull(),
  changes: jsonb('changes').$type<readonly AddressChange[]>().notNull(),
  createdAt: createdAt(),
});

export interface AddressChange {
  readonly contactId: number;
  readonly email: string;
  /** ISO 8601: when the first message to it was sent. */
  readonly at: string;
}

/**
 * Proof that a person was erased, without saying who: SHA-256 of the installation's salt and the address's `emailKey`.
 * Whoever stands here is not imported again.
 */
export const forgotten = pgTable('forgotten', {
  emailHash: bytes('email_hash').primaryKey(),
  contactId: bigint('contact_id', { mode: 'number' }),
  by: text('by').notNull(),
  reason: text('reason').notNull().default(''),
  at: instant('at').notNull().defaultNow(),
});

/** The one row of what this database has for itself. */
export const installation = pgTable(
  'installation',
  {
    id: integer('id').primaryKey().default(1),
    /** Made once, at random: see `forgotten`. */
    salt: bytes('salt').notNull(),
  },
  (t) => [check('installation_one', sql`${t.id} = 1`)],
);

/** A list: static, with its members in `listMember`, or segmented, with whoever `expression` holds for. */
export const contactList = pgTable('contact_list', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  name: text('name').notNull().unique(),
  /** CEL that makes it a segmented list; null for a static one. */
  expression: text('expression'),
  /** Its name for people. With one it stands on the preference page and has a form to subscribe; null: internal. */
  title: text('title'),
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

/**
 * Addresses that were on the global opt-out list and have subscribed to a list since: each list that is made later is opted out
 * of for them. Those that were there then have their rows in `listOptOut`.
 */
export const generalNo = pgTable('general_no', {
  emailKey: text('email_key').primaryKey(),
  createdAt: createdAt(),
});

/** The suppression list (CheckSuppressionList): addresses no mail server should be bothered with. */
export const suppression = pgTable(
  'suppression',
  {
    emailKey: text('email_key').primaryKey(),
    /** What decides: whoever changes their address takes it along unless it is about the old mailbox. */
    cause: text('cause').$type<SuppressionCause>().notNull().default('by-hand'),
    /** Words for people. */
    reason: text('reason').notNull(),
    createdAt: createdAt(),
  },
  (t) => [check('suppression_cause', sql`${t.cause} in (${sql.raw(quoted(suppressionCauses))})`)],
);

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}
