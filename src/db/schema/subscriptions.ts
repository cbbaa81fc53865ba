import { sql } from 'drizzle-orm';
import { index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, instant } from './columns.ts';
import { contactList } from './contacts.ts';

/** Somebody asked to get a list's mail, and confirms it by a link in a mail (double opt-in). Confirmed ones are kept as proof. */
export const subscriptionRequest = pgTable(
  'subscription_request',
  {
    id: text('id').primaryKey(),
    listId: integer('list_id')
      .notNull()
      .references(() => contactList.id, { onDelete: 'cascade' }),
    email: text('email').notNull(),
    emailKey: text('email_key').notNull(),
    firstName: text('first_name').notNull().default(''),
    lastName: text('last_name').notNull().default(''),
    language: text('language').notNull().default(''),
    /** Where it was asked for: `form`, `preferences`, or the origin of the website whose form it was. */
    via: text('via').notNull().default('form'),
    /** The very words that the person agreed to: with the times and the list they are the proof of consent. */
    wording: text('wording').notNull().default(''),
    createdAt: createdAt(),
    /** When the mail that asks for the confirmation was handed over; null: not yet, or it could not be. */
    sentAt: instant('sent_at'),
    /** Why it was not sent. */
    failure: text('failure'),
    confirmedAt: instant('confirmed_at'),
  },
  (t) => [
    index('subscription_request_email').on(t.emailKey, t.listId),
    index('subscription_request_pending')
      .on(t.createdAt)
      .where(sql`${t.sentAt} is null and ${t.failure} is null`),
  ],
);
