import { and, desc, eq, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import {
  campaign,
  contact,
  contactList,
  dispatchOutcome,
  dispatchQueue,
  interaction,
  listMember,
} from '../db/schema.ts';
import type { FacetValues } from '../domain/facet.ts';
import type { BounceDetail } from '../domain/feedback.ts';
import type { ExclusionReason } from '../domain/outcome.ts';
import { addressesOf } from './addresses/address-history.ts';
import { givenAddress } from './addresses/given-address.ts';
import { type ExclusionSettings, exclusionCase, exclusionJoins } from './audience/exclusion.ts';
import { type Refusals, refusalsOf } from './consent/refusals.ts';
import { type ForgottenEntry, forgottenEntry } from './erasure/forgotten.ts';
import { unknownContact } from './unknown-contact.ts';

/** Campaigns and interactions shown, the latest first. */
export const historyShown = 20;

/** Everything that is known of a person. */
export interface ContactReport extends Refusals {
  readonly id: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
  readonly facets: FacetValues;
  readonly consent: { readonly doNotMarket: boolean; readonly consentRevoked: boolean };
  readonly bounceCount: number;
  readonly lists: readonly string[];
  /** Addresses that it had before, the latest first, each from when on it counts; none where it always had this one. */
  readonly addresses: readonly { readonly email: string; readonly usedFrom: Date }[];
  /** It was erased once, and came back since; null where it was not. */
  readonly forgotten: ForgottenEntry | null;
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
    /** Of a bounce or complaint: what the mail server said. */
    readonly detail: BounceDetail | null;
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
  const [found] = await db.select().from(contact).where(eq(contact.emailKey, key));
  if (found === undefined) throw await unknownContact(db, email, key);
  const refusals = await refusalsOf(db, key);

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
      detail: interaction.detail,
      at: interaction.at,
    })
    .from(interaction)
    .where(eq(interaction.contactId, found.id))
    .orderBy(desc(interaction.at))
    .limit(historyShown);

  const { emailKey: _, historyPending: __, doNotMarket, consentRevoked, ...person } = found;
  return {
    ...person,
    consent: { doNotMarket, consentRevoked },
    lists: lists.map((list) => list.name),
    ...refusals,
    addresses: await addressesOf(db, found.id),
    forgotten: await forgottenEntry(db, key),
    excluded: excluded.rows[0]?.reason ?? null,
    campaigns,
    interactions,
  };
}
