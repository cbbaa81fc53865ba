import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import type { RequestPurpose } from '../../domain/subscription.ts';
import { createdAt, instant } from './columns.ts';
import { contactList } from './contacts.ts';

/**
 * Somebody asked for something that the owner of an address has to confirm by a link in a mail (double opt-in): to get a
 * list's mail, or to get all mail at another address. Confirmed ones are kept as proof.
 */
export const subscriptionRequest = pgTable(
  'subscription_request',
  {
    id: text('id').primaryKey(),
    /**
     * `subscribe` to a list. `new-address`: a contact gets this address. `old-address`: a contact got another one, and the owner
     * of this address, which it had, may take that back.
     */
    purpose: text('purpose').$type<RequestPurpose>().notNull().default('subscribe'),
    /** Of `subscribe`, and of nothing else. */
    listId: integer('list_id').references(() => contactList.id, { onDelete: 'cascade' }),
    /** Whose address it is about: of all but `subscribe`. */
    contactId: bigint('contact_id', { mode: 'number' }),
    email: text('email').notNull(),
    emailKey: text('email_key').notNull(),
    firstName: text('first_name').notNull().default(''),
    lastName: text('last_name').notNull().default(''),
    language: text('language').notNull().default(''),
    /** Where it was asked for: `form`, `preferences`, the origin of the website whose form it was, or `confirmation` of another request. */
    via: text('via').notNull().default('form'),
    /** The very words that the person agreed to: with the times and the list they are the proof of consent. */
    wording: text('wording').notNull().default(''),
    createdAt: createdAt(),
    /** When the mail that asks for the confirmation was handed over; null: not yet, or it could not be. */
    sentAt: instant('sent_at'),
    /** Why it was not sent; or that it is void, sent or not. */
    failure: text('failure'),
    confirmedAt: instant('confirmed_at'),
  },
  (t) => [
    index('subscription_request_email').on(t.emailKey, t.listId),
    index('subscription_request_contact').on(t.contactId).where(sql`${t.contactId} is not null`),
    check(
      'subscription_request_about',
      sql`(${t.purpose} = 'subscribe') = (${t.listId} is not null) and (${t.listId} is null) = (${t.contactId} is not null)`,
    ),
    index('subscription_request_pending')
      .on(t.createdAt)
      .where(sql`${t.sentAt} is null and ${t.failure} is null`),
  ],
);
