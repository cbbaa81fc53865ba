import { randomBytes } from 'node:crypto';
import { asc, eq, type SQL, sql } from 'drizzle-orm';
import { emailKey } from '../../src/contacts/addresses/email-address.ts';
import type { Database } from '../../src/db/connect.ts';
import {
  campaign,
  campaignList,
  contact,
  contactList,
  dispatchQueue,
  emailAddressHistory,
  listMember,
} from '../../src/db/schema.ts';
import { readRecipients } from '../../src/dispatch/read-recipients.ts';
import type { CampaignState } from '../../src/domain/campaign-state.ts';
import type { OutcomeKind } from '../../src/domain/outcome.ts';

export type NewContact = Partial<Omit<typeof contact.$inferInsert, 'emailKey'>> & { readonly email: string };

/** Enters contacts as they are; their ids in the same order. */
export async function insertContacts(db: Database, people: readonly NewContact[]): Promise<number[]> {
  if (people.length === 0) return [];
  const rows = await db
    .insert(contact)
    .values(people.map((person) => ({ ...person, emailKey: emailKey(person.email) })))
    .returning({ id: contact.id });
  return rows.map((row) => row.id);
}

/** A list with these members. */
export async function insertList(
  db: Database,
  contactIds: readonly number[],
): Promise<{ id: number; name: string }> {
  const name = `list ${randomBytes(6).toString('hex')}`;
  const [list] = await db.insert(contactList).values({ name }).returning();
  if (list === undefined) throw new Error('the list was not inserted');
  if (contactIds.length > 0) {
    await db.insert(listMember).values(contactIds.map((contactId) => ({ listId: list.id, contactId })));
  }
  return list;
}

/** A segmented list: whoever the CEL expression holds for is on it. */
export async function insertSegment(db: Database, expression: string): Promise<{ id: number; name: string }> {
  const name = `segment ${randomBytes(6).toString('hex')}`;
  const [list] = await db.insert(contactList).values({ name, expression }).returning();
  if (list === undefined) throw new Error('the segment was not inserted');
  return list;
}

/** A campaign with these lists; its content is of no interest here. */
export async function insertCampaign(
  db: Database,
  lists: { readonly include?: readonly number[]; readonly exclude?: readonly number[] },
): Promise<string> {
  const id = `test-${randomBytes(6).toString('hex')}`;
  await db.insert(campaign).values({ id, name: id, definition: {} });
  const rows = (['include', 'exclude'] as const).flatMap((role) =>
    (lists[role] ?? []).map((listId) => ({ campaignId: id, listId, role })),
  );
  if (rows.length > 0) await db.insert(campaignList).values(rows);
  return id;
}

/** What became of a contact in another campaign, at an instant that SQL says. Null: it is queued and has no outcome. */
export async function insertOutcome(
  db: Database,
  contactId: number,
  kind: OutcomeKind | null,
  at: SQL = sql`now()`,
  state: CampaignState = kind === null ? 'Sending' : 'Sent',
): Promise<string> {
  const campaignId = await insertCampaign(db, {});
  await db.execute(sql`
    update campaign set state = ${state}, queued = 1, ended_at = case when ${state === 'Sent'} then ${at} end where id = ${campaignId}`);
  await db.insert(dispatchQueue).values({ campaignId, position: 1, contactId, language: 'en' });
  if (kind !== null)
    await db.execute(sql`
      insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
      values (${campaignId}, 1, ${contactId}, 1, 'd1', ${kind}, ${at})`);
  return campaignId;
}

export async function contactByEmail(db: Database, email: string) {
  const [found] = await db
    .select()
    .from(contact)
    .where(eq(contact.emailKey, emailKey(email)));
  if (found === undefined) throw new Error(`there is no contact ${email}`);
  return found;
}

/** Addresses of a list's members in the order of their ids. */
export async function membersOf(db: Database, name: string): Promise<string[]> {
  const rows = await db
    .select({ email: contact.email })
    .from(listMember)
    .innerJoin(contactList, eq(contactList.id, listMember.listId))
    .innerJoin(contact, eq(contact.id, listMember.contactId))
    .where(eq(contactList.name, name))
    .orderBy(asc(contact.id));
  return rows.map((row) => row.email);
}

/** Somebody who had this address before, and wants no mail. */
export async function insertFormerOwner(db: Database, key: string): Promise<void> {
  const present = `now.${randomBytes(6).toString('hex')}@elsewhere.example`;
  const [had] = await db
    .insert(contact)
    .values({ email: present, emailKey: present, doNotMarket: true })
    .returning();
  await db
    .insert(emailAddressHistory)
    .values({ contactId: had?.id ?? 0, email: key, emailKey: key, usedFrom: new Date(0) });
}

/** A time zone in which no day, week or month begins while the tests of a file run, which would set its limits back. */
export const quietZone = [22, 23, 0].includes(new Date().getUTCHours()) ? 'Etc/GMT+6' : 'UTC';

/** By which rules a campaign is queued and sent, where a test is about others. */
export const audienceSettings = {
  undeliveredMaximum: 5,
  checkSuppressionList: true,
  languages: ['en'],
  defaultLanguage: 'en',
};

/** Who is queued, in the order of the queue. */
export async function queuedContacts(db: Database, campaignId: string): Promise<number[]> {
  const rows = await db
    .select()
    .from(dispatchQueue)
    .where(eq(dispatchQueue.campaignId, campaignId))
    .orderBy(asc(dispatchQueue.position));
  return rows.map((row) => row.contactId);
}

/** What a dispatcher is told of each queued person, in the order of the queue: null, or why they are not sent to. */
export async function exclusionsAtSending(
  db: Database,
  campaignId: string,
  rules: Parameters<typeof readRecipients>[4],
): Promise<(string | null)[]> {
  const recipients = await readRecipients(db, campaignId, { first: 1, last: 100 }, 100, rules);
  return recipients.map(({ exclusion }) => exclusion);
}
