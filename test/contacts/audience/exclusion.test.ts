import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { optIn, optOut } from '../../../src/contacts/consent/opt-out.ts';
import { contact, suppression } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { exclusionsAtSending, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

const atSending = async (campaignId: string, rules = settings) =>
  await exclusionsAtSending(database.db, campaignId, rules);

it('a "no" that comes after queueing is honoured at sending, by the same rules', async () => {
  const emails = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `${name}@example.com`);
  const ids = await insertContacts(
    database.db,
    emails.map((email) => ({ email })),
  );
  const list = await insertList(database.db, ids);
  const id = await insertCampaign(database.db, { include: [list.id] });
  expect(
    await queueMessage(database.db, id, { ...settings, languages: ['en'], defaultLanguage: 'en' }),
  ).toMatchObject({ queued: 7 });
  expect(await atSending(id)).toEqual(emails.map(() => null));

  await optOut(database.db, 'A@EXAMPLE.com');
  await database.db.execute(sql`update contact set do_not_market = true where email = 'b@example.com'`);
  await database.db.execute(sql`update contact set consent_revoked = true where email = 'c@example.com'`);
  await database.db.execute(sql`update contact set bounce_count = 6 where email = 'd@example.com'`);
  await database.db.insert(suppression).values({ emailKey: emailKey('e@example.com'), reason: 'complaint' });
  await database.db.delete(contact).where(sql`email = 'f@example.com'`);
  expect(await atSending(id)).toEqual([
    'global-opt-out',
    'do-not-market',
    'consent-revoked',
    'undelivered-maximum',
    'suppression-list',
    'no-address',
    null,
  ]);
  expect(await atSending(id, { undeliveredMaximum: 6, checkSuppressionList: false })).toEqual([
    'global-opt-out',
    'do-not-market',
    'consent-revoked',
    null,
    null,
    'no-address',
    null,
  ]);
  await optIn(database.db, 'a@example.com');
  expect((await atSending(id))[0]).toBeNull();
});
