import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import { optInToList, optOutOfList } from '../../src/contacts/consent/list-opt-out.ts';
import { optOut } from '../../src/contacts/consent/opt-out.ts';
import { contact, listMember } from '../../src/db/schema.ts';
import { readRecipients } from '../../src/dispatch/read-recipients.ts';
import { insertCampaign, insertContacts, insertList } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

/** What a dispatcher is told of each queued person, in the order of the queue. */
async function atSending(campaignId: string): Promise<(string | null)[]> {
  const range = { first: 1, last: 100 };
  const recipients = await readRecipients(database.db, campaignId, range, 100, settings);
  return recipients.map((one) => one.exclusion);
}

it('an opt-out of the lists that comes after queueing is honoured at sending', async () => {
  const emails = ['one', 'both', 'half', 'elsewhere', 'more', 'moved', 'yes'].map(
    (name) => `${name}@example.com`,
  );
  const ids = await insertContacts(
    database.db,
    emails.map((email) => ({ email })),
  );
  const [, both = 0, half = 0, elsewhere = 0, , moved = 0] = ids;
  const a = await insertList(database.db, ids);
  const b = await insertList(database.db, [both, half]);
  const other = await insertList(database.db, [elsewhere]);
  const id = await insertCampaign(database.db, { include: [a.id, b.id] });
  expect(
    await queueMessage(database.db, id, { ...settings, languages: ['en'], defaultLanguage: 'en' }),
  ).toMatchObject({ queued: 7 });
  expect(await atSending(id)).toEqual(emails.map(() => null));

  await optOutOfList(database.db, 'ONE@Example.com', a.name);
  await optOutOfList(database.db, 'both@example.com', a.name);
  await optOutOfList(database.db, 'both@example.com', b.name);
  await optOutOfList(database.db, 'half@example.com', a.name);
  await optOutOfList(database.db, 'elsewhere@example.com', other.name);
  await optOutOfList(database.db, 'more@example.com', a.name);
  await optOut(database.db, 'more@example.com');
  await optOutOfList(database.db, 'moved@example.com', a.name);
  await database.db.insert(listMember).values({ listId: other.id, contactId: moved });
  expect(await atSending(id)).toEqual([
    'list-opt-out',
    'list-opt-out',
    null,
    null,
    'global-opt-out',
    'list-opt-out',
    null,
  ]);

  await optInToList(database.db, 'one@example.com', a.name);
  expect((await atSending(id))[0]).toBeNull();
  await database.db.delete(contact);
  expect(await atSending(id)).toEqual(emails.map(() => 'no-address'));
});

it('who was taken off a list after opting out of it is not sent to by that', async () => {
  const [contactId = 0] = await insertContacts(database.db, [{ email: 'left@example.com' }]);
  const list = await insertList(database.db, [contactId]);
  const id = await insertCampaign(database.db, { include: [list.id] });
  await queueMessage(database.db, id, { ...settings, languages: ['en'], defaultLanguage: 'en' });
  await optOutOfList(database.db, 'left@example.com', list.name);
  await database.db.delete(listMember);
  expect(await atSending(id)).toEqual(['list-opt-out']);
});

it('who has an outcome, or is put off until later, is left out; who is due again comes with what was tried', async () => {
  const ids = await insertContacts(
    database.db,
    ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ email: `${name}@due.example.com` })),
  );
  // Contacts in another order than their ids, as an A/B test deals them.
  const order = [4, 1, 5, 0, 3, 2].map((index) => ids[index] ?? 0);
  const id = await insertCampaign(database.db, {});
  await database.db.execute(sql`
    insert into dispatch_queue (campaign_id, position, contact_id, language)
    select ${id}, position, contact_id, 'en'
      from unnest(${sql.param(order)}::bigint[]) with ordinality as dealt(contact_id, position)`);
  await database.db.execute(sql`
    insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
    values (${id}, 2, ${order[1]}, 1, 'd1', 'sent', now())`);
  await database.db.execute(sql`
    insert into dispatch_deferral (campaign_id, position, attempts, first_at, due_at, reply)
    values (${id}, 3, 2, now() - interval '1 minute', now() - interval '1 s', '451'),
           (${id}, 5, 1, now(), now() + interval '1 hour', '451')`);
  const read = async (first: number, last: number, limit: number) =>
    (await readRecipients(database.db, id, { first, last }, limit, settings)).map(
      ({ position, recipient, attempts, sinceFirstAttemptMs }) => ({
        position,
        contact: recipient.contactId,
        attempts,
        wasPutOff: sinceFirstAttemptMs >= 60_000,
      }),
    );
  const entry = (position: number, attempts = 0) => ({
    position,
    contact: order[position - 1],
    attempts,
    wasPutOff: attempts > 0,
  });
  expect(await read(1, 6, 10)).toEqual([entry(1), entry(3, 2), entry(4), entry(6)]);
  expect(await read(1, 6, 2)).toEqual([entry(1), entry(3, 2)]);
  expect(await read(4, 4, 10)).toEqual([entry(4)]);
  expect(await read(2, 2, 10)).toEqual([]);
});
