import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../src/contacts/addresses/change-address.ts';
import { contact, emailAddressHistory, emailAddressHistoryBus } from '../../src/db/schema.ts';
import { takeAddressChanges } from '../../src/processing/take-address-changes.ts';
import { contactByEmail, insertContacts } from '../contacts/fixtures.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';

const database = useTestDatabase();
const closers = useClosers();

const addressesOf = async (contactId: number) =>
  (
    await database.db
      .select()
      .from(emailAddressHistory)
      .where(eq(emailAddressHistory.contactId, contactId))
      .orderBy(emailAddressHistory.usedFrom)
  ).map(({ email }) => email);

describe('the EmailAddressHistoryBus', () => {
  it('carries the changes found while sending, one message per batch, into the history', async () => {
    const people = ['stays', 'moves', 'moves-too', 'says-no', 'refused'].map((name) => ({
      email: `${name}@bus.example`,
    }));
    const batch = await queuedCampaign(database.db, people);
    // After it was queued: what is queued goes to the new address.
    await changeAddress(database.db, 'moves@bus.example', 'moved@bus.example');
    await changeAddress(database.db, 'moves-too@bus.example', 'moved-too@bus.example');
    await changeAddress(database.db, 'says-no@bus.example', 'said-no@bus.example');
    await changeAddress(database.db, 'refused@bus.example', 'refused-too@bus.example');
    await database.db
      .update(contact)
      .set({ doNotMarket: true })
      .where(eq(contact.email, 'said-no@bus.example'));
    const receiver = await startSmtpReceiver({
      onRcpt: (address) => (address.startsWith('refused') ? { code: 550, text: '5.1.1 nobody' } : undefined),
    });
    closers.push(() => receiver.close());
    const host = dispatchHost(database.db, { smtpUrl: receiver.url });
    closers.push(() => host.close());
    expect((await attempt(host, batch)).counts).toMatchObject({ sent: 3, failed: 1, skipped: 1 });

    const messages = await database.db.select().from(emailAddressHistoryBus);
    expect(messages).toHaveLength(1);
    const [message] = messages;
    expect(message).toMatchObject({ campaignId: batch.campaignId, batch: 1 });
    expect(message?.changes.map(({ email }) => email)).toEqual([
      'moved@bus.example',
      'moved-too@bus.example',
    ]);

    const moved = await contactByEmail(database.db, 'moved@bus.example');
    expect(moved.historyPending).toBe(true);
    expect(await takeAddressChanges(database.db)).toEqual({ taken: 1 });
    expect(await takeAddressChanges(database.db)).toEqual({ taken: 0 });
    expect(await addressesOf(moved.id)).toEqual(['moves@bus.example', 'moved@bus.example']);
    expect((await contactByEmail(database.db, 'moved@bus.example')).historyPending).toBe(false);
    // Nothing was sent to it: the next message will tell.
    const no = await contactByEmail(database.db, 'said-no@bus.example');
    expect(no.historyPending).toBe(true);
    expect(await addressesOf(no.id)).toEqual(['says-no@bus.example']);

    // The same message once more, in the wrong order, and of somebody who is gone.
    const changes = [
      ...(message?.changes ?? []),
      { contactId: 999_999, email: 'gone@bus.example', at: new Date().toISOString() },
    ];
    await database.db.insert(emailAddressHistoryBus).values([
      { campaignId: batch.campaignId, batch: 1, changes },
      { campaignId: batch.campaignId, batch: 1, changes: changes.toReversed() },
    ]);
    await takeAddressChanges(database.db);
    expect(await addressesOf(moved.id)).toEqual(['moves@bus.example', 'moved@bus.example']);
    expect(await addressesOf(999_999)).toEqual([]);
  });

  it('tells of an address that is gone back to', async () => {
    const [id = 0] = await insertContacts(database.db, [{ email: 'a@back.example' }]);
    await changeAddress(database.db, 'a@back.example', 'b@back.example');
    await changeAddress(database.db, 'b@back.example', 'a@back.example');
    const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
    await database.db.insert(emailAddressHistoryBus).values([
      { campaignId: 'x', batch: 1, changes: [{ contactId: id, email: 'a@back.example', at: at(2) }] },
      { campaignId: 'x', batch: 2, changes: [{ contactId: id, email: 'b@back.example', at: at(1) }] },
    ]);
    await takeAddressChanges(database.db);
    expect(await addressesOf(id)).toEqual(['a@back.example', 'b@back.example', 'a@back.example']);
  });

  it('loses nothing where a message cannot be posted: the change is found at the next send', async () => {
    const batch = await queuedCampaign(database.db, [{ email: 'before@lost.example' }]);
    await changeAddress(database.db, 'before@lost.example', 'after@lost.example');
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const host = dispatchHost(database.db, { smtpUrl: receiver.url });
    closers.push(() => host.close());
    await database.db.$client.query('alter table email_address_history_bus rename to out_of_reach');
    expect((await attempt(host, batch)).counts).toMatchObject({ sent: 1 });
    await database.db.$client.query('alter table out_of_reach rename to email_address_history_bus');
    expect(await takeAddressChanges(database.db)).toEqual({ taken: 0 });
    const { id } = await contactByEmail(database.db, 'after@lost.example');
    expect(await addressesOf(id)).toEqual(['before@lost.example']);

    const next = await queuedCampaign(database.db, []);
    await database.db.$client.query(
      `insert into dispatch_queue (campaign_id, position, contact_id, language) values ($1, 1, $2, 'en')`,
      [next.campaignId, id],
    );
    await attempt(host, { ...next, range: { first: 1, last: 1 } });
    expect(await takeAddressChanges(database.db)).toEqual({ taken: 1 });
    expect(await addressesOf(id)).toEqual(['before@lost.example', 'after@lost.example']);
  });
});
