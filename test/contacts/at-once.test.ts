import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeAddress } from '../../src/contacts/addresses/change-address.ts';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import { optOut } from '../../src/contacts/consent/opt-out.ts';
import { savePreferences } from '../../src/contacts/consent/preferences.ts';
import { suppress } from '../../src/contacts/consent/suppression.ts';
import { forgetContact } from '../../src/contacts/erasure/forget-contact.ts';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { importOptOuts } from '../../src/contacts/import/import-opt-outs.ts';
import { importSuppression } from '../../src/contacts/import/import-suppression.ts';
import { createList } from '../../src/contacts/lists/lists.ts';
import { confirmAddress } from '../../src/contacts/subscription/confirm-address.ts';
import { confirmSubscription } from '../../src/contacts/subscription/confirm-subscription.ts';
import { upsertContact } from '../../src/contacts/upsert-contact.ts';
import { closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';
import { listMember } from '../../src/db/schema.ts';
import { readRecipients } from '../../src/dispatch/read-recipients.ts';
import { messageOf } from '../../src/domain/error-message.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { unsubscribe } from '../../src/tracking/unsubscribe.ts';
import { useTestDatabase } from '../support/database.ts';
import { Random } from '../support/random.ts';
import { testSeed } from '../support/seed.ts';
import { insertCampaign, insertContacts, insertList, audienceSettings as settings } from './fixtures.ts';

const database = useTestDatabase();
/** As many things are done at the same time, each over a connection of its own. AT_ONCE_MS does more. */
const atOnce = 16;
/** Few, so that they meet. */
const peopleAtOnce = 20;
const lastsMs = Number(process.env['AT_ONCE_MS'] ?? 4_000);

let db: Database;
beforeAll(() => {
  db = connectDatabase(database.url, { applicationName: 'exm at once', max: atOnce + 4 });
});
afterAll(async () => await closeDatabase(db));

/** Somebody and what is known of them when something has ended. */
interface Person {
  readonly id: number;
  /** Every address that they have, or may have, had; the last is the present one, as far as no change is under way. */
  readonly addresses: string[];
  /** Never subscribe: what they have said holds for good. */
  readonly isFirm: boolean;
  saidNo: boolean;
  isForgotten: boolean;
}

it('whatever is done to the same people at the same moment, nobody waits in a circle and no "no" is lost', async () => {
  const random = new Random(testSeed);
  const some = <T>(list: readonly T[], count: number): T[] =>
    Array.from({ length: count }, () => random.pick(list)).filter(
      (item, index, all) => all.indexOf(item) === index,
    );

  const lists = await Promise.all([0, 1, 2].map(async () => await insertList(db, [])));
  await db.execute(sql`update contact_list set title = name`);
  const everybody: Person[] = [];
  const somebodyNew = async (): Promise<Person> => {
    const email = `p${randomUUID()}@first.example`;
    const [id = 0] = await insertContacts(db, [{ email }]);
    await db.insert(listMember).values(lists.map((list) => ({ listId: list.id, contactId: id })));
    const person = { id, addresses: [email], isFirm: random.chance(0.6), saidNo: false, isForgotten: false };
    everybody.push(person);
    return person;
  };
  /** With whom something is done. Who has said all that they will makes room for somebody new. */
  const people = await Promise.all(Array.from({ length: peopleAtOnce }, somebodyNew));
  const campaigns: string[] = [];
  const addCampaign = async () => {
    const include = (await db.query.contactList.findMany({ columns: { id: true } })).map(({ id }) => id);
    const campaignId = await insertCampaign(db, { include });
    await queueMessage(db, campaignId, settings);
    campaigns.push(campaignId);
  };
  await addCampaign();

  const present = ({ addresses }: Person) => addresses.at(-1) ?? '';
  const csv = (emails: readonly string[], header = 'email') =>
    Readable.from([`${header}\n${emails.join('\n')}\n`]);
  let changes = 0;
  /** Who is being moved or erased is left alone by others that move or erase. */
  const moving = new Set<Person>();
  const alone = async (person: Person, work: () => Promise<unknown>) => {
    if (moving.has(person) || person.isForgotten) return;
    moving.add(person);
    try {
      await work();
    } finally {
      moving.delete(person);
    }
  };
  const nextAddress = (person: Person) => {
    const next = `m${++changes}@next.example`;
    const from = present(person);
    return { from, next };
  };
  const says = (person: Person) => {
    if (person.isFirm) person.saidNo = true;
  };
  const request = async (purpose: 'subscribe' | 'new-address', about: object, email: string) => {
    const id = randomUUID();
    const { listId = null, contactId = null } = about as { listId?: number; contactId?: number };
    await db.execute(sql`
      insert into subscription_request (id, purpose, list_id, contact_id, email, email_key)
      values (${id}, ${purpose}, ${listId}, ${contactId}, ${email}, ${email})`);
    return id;
  };
  const message = ({ id }: Person) => ({ campaignId: campaigns.at(-1) ?? '', position: 1, contactId: id });

  const works: Record<string, () => Promise<unknown>> = {
    'somebody new': async () => {
      const place = people.findIndex(({ saidNo, isForgotten }) => saidNo || isForgotten);
      if (place >= 0) people[place] = await somebodyNew();
    },
    'import of first addresses': async () => {
      const emails = some(people, 20).map(({ addresses }) => random.pick(addresses));
      const list = random.chance(0.3) ? `made ${randomUUID()}` : random.pick(lists).name;
      await importContacts(
        db,
        csv(
          emails.map((email) => `${email},${random.next()}`),
          'email,firstName',
        ),
        { list },
      );
    },
    'change of address': async () => {
      const person = random.pick(people);
      await alone(person, async () => {
        const { from, next } = nextAddress(person);
        await changeAddress(db, from, next);
        person.addresses.push(next);
      });
    },
    'confirmed change of address': async () => {
      const person = random.pick(people);
      await alone(person, async () => {
        const { next } = nextAddress(person);
        const before = await confirmAddress(
          db,
          await request('new-address', { contactId: person.id }, next),
          'yes',
        );
        if (before?.state === 'open') person.addresses.push(next);
      });
    },
    forget: async () => {
      if (!random.chance(0.3)) return;
      const person = random.pick(people);
      await alone(person, async () => {
        await forgetContact(db, present(person), { by: 'test', reason: 'asked' });
        person.isForgotten = true;
      });
    },
    'opt-out by hand': async () => {
      const person = random.pick(people);
      const email = random.pick(person.addresses);
      if (person.isForgotten) return;
      await optOut(db, email, `${email} has asked`);
      // By an address that was not theirs yet, or was never: that says nothing.
      says(person);
    },
    'unsubscribe of all mail': async () => {
      const person = random.pick(people);
      const { result } = await unsubscribe(db, message(person), 'all', '');
      if (result === 'unsubscribed') says(person);
    },
    'unsubscribe of lists': async () => {
      await unsubscribe(db, message(random.pick(people)), 'lists', '');
    },
    'late unsubscribe': async () => {
      const person = random.pick(people);
      const { result } = await unsubscribe(db, message(person), 'all', '', new Date(Date.now() - 1_000));
      if (result === 'unsubscribed') says(person);
    },
    preferences: async () => {
      const leave = some(lists, 2).map(({ id }) => id);
      await savePreferences(
        db,
        message(random.pick(people)),
        { leave, firstName: `${random.next()}`, lastName: '', language: '' },
        '',
      );
    },
    'file of opt-outs': async () => {
      const said = some(people, 10).filter(({ isForgotten }) => !isForgotten);
      const rows = said.map(
        (person) => `${random.pick(person.addresses)},${random.chance(0.5) ? '2020-01-01' : ''}`,
      );
      await importOptOuts(db, csv(rows, 'email,since'), { reason: 'file' });
      for (const person of said) says(person);
    },
    'file of opt-outs of a list': async () => {
      const rows = some(people, 10).map(
        (person) => `${random.pick(person.addresses)},${random.pick(lists).name}`,
      );
      await importOptOuts(db, csv(rows, 'email,list'), { reason: 'file' });
    },
    'file of suppressions': async () => {
      const rows = some(people, 5).map((person) => `${random.pick(person.addresses)},hard-bounce`);
      await importSuppression(db, csv(rows, 'email,cause'), { reason: 'file' });
    },
    suppression: async () => {
      if (random.chance(0.2))
        await suppress(db, random.pick(random.pick(people).addresses), 'by phone', settings);
    },
    DoNotMarket: async () => {
      const person = random.pick(people);
      const email = person.addresses[0] ?? '';
      if (person.isForgotten || !random.chance(0.3)) return;
      await upsertContact(db, { email, doNotMarket: true });
      says(person);
    },
    subscription: async () => {
      const person = random.pick(people);
      if (person.isFirm || person.isForgotten) return;
      const { id: listId } = random.pick(lists);
      await confirmSubscription(db, await request('subscribe', { listId }, random.pick(person.addresses)));
    },
    'new list': async () => {
      if (random.chance(0.3)) await createList(db, `new ${randomUUID()}`);
    },
    queueing: async () => {
      if (random.chance(0.3)) await addCampaign();
    },
    sending: async () => {
      await readRecipients(db, random.pick(campaigns), { first: 1, last: 40 }, 40, settings);
    },
    'what came back': async () => {
      for (const person of some(people, 5)) {
        const type = random.chance(0.2) ? 'SpamComplaint' : 'Bounce';
        const detail = JSON.stringify({ class: random.pick(['hard', 'soft']), status: '', text: '' });
        await db.execute(sql`
          insert into event_inbox (type, campaign_id, position, contact_id, user_agent, detail)
          values (${type}, ${random.pick(campaigns)}, 1, ${person.id}, '', ${detail}::jsonb)`);
      }
    },
    processing: async () => await processEvents(db, 20),
  };

  // Who waits too long for others is asked to try again.
  const expected =
    /ADDRESS_TAKEN|CONTACT_UNKNOWN|CONTACT_FORGOTTEN|was forgotten|lock timeout|Query read timeout/;
  const failures = new Map<string, number>();
  const until = Date.now() + lastsMs;
  const hasSaidNo = ({ saidNo, isForgotten }: Person) => saidNo && !isForgotten;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      // A slow machine has to come to it, too.
      while (Date.now() < until || everybody.filter(hasSaidNo).length <= 5) {
        const name = random.pick(Object.keys(works));
        try {
          await works[name]?.();
        } catch (error) {
          const text = `${(error as { code?: string }).code ?? ''} ${messageOf(error)} ${messageOf((error as Error).cause ?? '')}`;
          const key = `${name}: ${text.slice(0, 160)}`;
          if (!expected.test(text)) failures.set(key, (failures.get(key) ?? 0) + 1);
        }
      }
    }),
  );

  await addCampaign();
  const firm = everybody.filter(hasSaidNo);
  const gets = new Map<string, string>();
  for (const campaignId of campaigns) {
    const recipients = await readRecipients(db, campaignId, { first: 1, last: 10_000 }, 10_000, settings);
    for (const { exclusion, recipient } of recipients)
      if (exclusion === null) gets.set(recipient.email, campaignId);
  }
  const mailedAfterNo = firm.flatMap(({ addresses, id }) =>
    addresses
      .filter((address) => gets.has(address))
      .map((address) => `${id}: ${address} of ${addresses.join(' ')}`),
  );
  const { rows: erased } = await db.execute<{ email: string }>(sql`
    select email from contact where email_key = any(${sql.param(
      everybody.filter(({ isForgotten, isFirm }) => isForgotten && isFirm).map(present),
    )}::text[])`);
  expect({ seed: testSeed, failures: Object.fromEntries(failures), mailedAfterNo, erased }).toEqual({
    seed: testSeed,
    failures: {},
    mailedAfterNo: [],
    erased: [],
  });
  expect(firm.length).toBeGreaterThan(5);
});
