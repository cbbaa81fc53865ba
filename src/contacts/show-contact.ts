import { and, desc, eq, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import {
  campaign,
  contact,
  contactList,
  dispatchOutcome,
  dispatchQueue,
  globalOptOut,
  interaction,
  listMember,
  listOptOut,
  suppression,
} from '../db/schema.ts';
import { FailedError } from '../domain/errors.ts';
import type { ExclusionReason } from '../domain/outcome.ts';
import { type ExclusionSettings, exclusionCase, exclusionJoins } from './exclusion.ts';
import { givenAddress } from './given-address.ts';

/** Campaigns and interactions shown, the latest first. */
export const historyShown = 20;

interface ListEntry {
  readonly since: Date;
  readonly reason: string;
}

/** Everything that is known of a person. */
export interface ContactReport {
  readonly id: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
  readonly facets: Readonly<Record<string, string>>;
  readonly consent: { readonly doNotMarket: boolean; readonly consentRevoked: boolean };
  readonly bounceCount: number;
  readonly lists: readonly string[];
  /** Lists that the address has opted out of, whether or not it is on them. */
  readonly listOptOuts: readonly (ListEntry & { readonly list: string })[];
  /** Null where the address is not on the list. */
  readonly globalOptOut: ListEntry | null;
  readonly suppression: ListEntry | null;
  /** Why this person would get no mail at all now; null where it would. What it opted out of stands in `listOptOuts`. */
  readonly excluded: ExclusionReason | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly campaigns: readonly {
    readonly campaignId: string;
    readonly name: string;
    readonly kind: string;
    readonly reason: string | null;
    readonly reply: string | null;
    readonly at: Date;
  }[];
  readonly interactions: readonly {
    readonly type: string;
    readonly campaignId: string;
    readonly link: number | null;
    readonly agent: string;
    readonly at: Date;
  }[];
}

/** @throws InputError ADDRESS_WRONG; FailedError CONTACT_UNKNOWN that says whether the address is on a list of refusals. */
export async function showContact(
  db: Queries,
  email: string,
  settings: ExclusionSettings,
): Promise<ContactReport> {
  const { key } = givenAddress(email);
  const optOut = await refusalEntry(db, globalOptOut, key);
  const suppressed = await refusalEntry(db, suppression, key);
  const [found] = await db.select().from(contact).where(eq(contact.emailKey, key));
  const listOptOuts = await db
    .select({ list: contactList.name, since: listOptOut.createdAt, reason: listOptOut.reason })
    .from(listOptOut)
    .innerJoin(contactList, eq(contactList.id, listOptOut.listId))
    .where(eq(listOptOut.emailKey, key))
    .orderBy(contactList.name);
  if (found === undefined) {
    throw unknownContact(email, [
      ...(optOut === null ? [] : ['is on the global opt-out list']),
      ...(suppressed === null ? [] : ['is on the suppression list']),
      ...listOptOuts.map(({ list }) => `has opted out of "${list}"`),
    ]);
  }

  const lists = await db
    .select({ name: contactList.name })
    .from(listMember)
    .innerJoin(contactList, eq(contactList.id, listMember.listId))
    .where(eq(listMember.contactId, found.id))
    .orderBy(contactList.name);
  const excluded = await db.execute<{ reason: ExclusionReason | null }>(sql`
    select ${exclusionCase(settings)} as reason from contact ${exclusionJoins(settings)} where contact.id = ${found.id}`);
  // The ledger has no index by contact, which each message would pay for: the queue has one, and tells the outcome's key.
  const outcome = db
    .select({
      kind: dispatchOutcome.kind,
      reason: dispatchOutcome.reason,
      reply: dispatchOutcome.reply,
      at: dispatchOutcome.at,
    })
    .from(dispatchOutcome)
    .where(
      and(
        eq(dispatchOutcome.campaignId, dispatchQueue.campaignId),
        eq(dispatchOutcome.position, dispatchQueue.position),
      ),
    )
    .limit(1)
    .as('outcome');
  const campaigns = await db
    .select({
      campaignId: dispatchQueue.campaignId,
      name: sql<string>`coalesce(${campaign.name}, '')`,
      kind: outcome.kind,
      reason: outcome.reason,
      reply: outcome.reply,
      at: outcome.at,
    })
    .from(dispatchQueue)
    .innerJoinLateral(outcome, sql`true`)
    .leftJoin(campaign, eq(campaign.id, dispatchQueue.campaignId))
    .where(eq(dispatchQueue.contactId, found.id))
    .orderBy(desc(outcome.at))
    .limit(historyShown);
  const interactions = await db
    .select({
      type: interaction.type,
      campaignId: interaction.campaignId,
      link: interaction.link,
      agent: interaction.agent,
      at: interaction.at,
    })
    .from(interaction)
    .where(eq(interaction.contactId, found.id))
    .orderBy(desc(interaction.at))
    .limit(historyShown);

  const { emailKey: _, doNotMarket, consentRevoked, ...person } = found;
  return {
    ...person,
    consent: { doNotMarket, consentRevoked },
    lists: lists.map((list) => list.name),
    listOptOuts,
    globalOptOut: optOut,
    suppression: suppressed,
    excluded: excluded.rows[0]?.reason ?? null,
    campaigns,
    interactions,
  };
}

async function refusalEntry(
  db: Queries,
  list: typeof globalOptOut | typeof suppression,
  key: string,
): Promise<ListEntry | null> {
  const [entry] = await db
    .select({ since: list.createdAt, reason: list.reason })
    .from(list)
    .where(eq(list.emailKey, key));
  return entry ?? null;
}

/** @param refusals what is known of the address all the same. */
function unknownContact(email: string, refusals: readonly string[]): FailedError {
  return new FailedError(
    'CONTACT_UNKNOWN',
    `There is no contact with this address${refusals.length === 0 ? '' : `, but it ${refusals.join(' and ')}`}.`,
    { field: 'EMAIL', value: email, hint: 'Import it with "exm contact import".' },
  );
}
