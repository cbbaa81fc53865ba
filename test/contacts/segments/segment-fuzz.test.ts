import { Environment } from '@marcbachmann/cel-js';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { mixedNumbers } from '../../../src/cel/mixed-numbers.ts';
import { segmentMembers } from '../../../src/contacts/segments/segment-members.ts';
import {
  contactList,
  dispatchOutcome,
  dispatchQueue,
  interaction,
  listMember,
} from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import fc from '../../support/fast-check.ts';
import { insertContacts } from '../fixtures.ts';
import {
  campaigns,
  lists,
  type RandomFacets,
  randomCondition,
  randomFacets,
  seenFacets,
} from './random-conditions.ts';

const database = useTestDatabase();
const dayMs = 86_400_000;
const timestamp = 'google.protobuf.Timestamp';

interface Event {
  readonly type: string;
  readonly agent: string;
  readonly campaignId: string;
  readonly daysAgo: number;
}

interface Person {
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
  readonly bounceCount: number;
  readonly facets: RandomFacets;
  readonly lists: readonly string[];
  readonly events: readonly Event[];
  readonly messages: readonly {
    readonly campaignId: string;
    readonly kind: 'sent' | 'failed';
    readonly daysAgo: number;
  }[];
}

const ages = fc.constantFrom(0.5, 2.5, 20.5, 300.5);
const person: fc.Arbitrary<Person> = fc.record({
  firstName: fc.constantFrom('', 'a', 'Anna', '7'),
  lastName: fc.constantFrom('', 'A', '%'),
  language: fc.constantFrom('', 'de', 'en'),
  bounceCount: fc.nat(3),
  facets: randomFacets,
  lists: fc.subarray([...lists]),
  events: fc.array(
    fc.record({
      type: fc.constantFrom(
        'EmailOpened',
        'EmailClicked',
        'Bounce',
        'SpamComplaint',
        'UnsubscribedFromEmail',
      ),
      agent: fc.constantFrom('person', 'image-proxy', 'prefetch', 'bot'),
      campaignId: fc.constantFrom(...campaigns),
      daysAgo: ages,
    }),
    { maxLength: 6 },
  ),
  messages: fc
    .record({
      campaignId: fc.constantFrom(...campaigns),
      kind: fc.constantFrom('sent' as const, 'failed' as const),
      daysAgo: ages,
    })
    .map((one) => [one]),
});

/** What a condition says of somebody by CEL's own evaluation: an error is no membership. */
function holds(
  expression: string,
  { firstName, lastName, language, ...one }: Person,
  email: string,
  now: Date,
): boolean {
  const today = Math.floor(now.getTime() / dayMs) * dayMs;
  const at = (days: number) => new Date(now.getTime() - days * dayMs);
  const daysAgo = (days: bigint) => new Date(today - Number(days) * dayMs);
  const happened: Record<string, { campaignId: string; at: Date }[]> = {};
  const of = (name: string, events: readonly { campaignId: string; daysAgo: number }[]) => {
    happened[name] = events.map(({ campaignId, daysAgo: days }) => ({ campaignId, at: at(days) }));
  };
  of(
    'opens',
    one.events.filter(
      ({ type, agent }) => type === 'EmailOpened' && ['person', 'image-proxy'].includes(agent),
    ),
  );
  of(
    'clicks',
    one.events.filter(({ type, agent }) => type === 'EmailClicked' && agent === 'person'),
  );
  of(
    'bounces',
    one.events.filter(({ type }) => type === 'Bounce'),
  );
  of(
    'complaints',
    one.events.filter(({ type }) => type === 'SpamComplaint'),
  );
  of(
    'unsubscribes',
    one.events.filter(({ type }) => type === 'UnsubscribedFromEmail'),
  );
  of(
    'messages',
    one.messages.filter(({ kind }) => kind === 'sent'),
  );

  const environment = mixedNumbers(new Environment())
    .registerVariable('contact', 'map<string, dyn>')
    .registerFunction(`today(): ${timestamp}`, () => new Date(today))
    .registerFunction(`daysAgo(int): ${timestamp}`, daysAgo)
    .registerFunction(`date(string): ${timestamp}`, (day: string) => new Date(`${day}T00:00:00Z`));
  for (const [name, events] of Object.entries(happened)) {
    const count = (days?: bigint, campaign?: string) =>
      BigInt(
        events.filter(
          (event) =>
            (days === undefined || event.at >= daysAgo(days)) &&
            (campaign === undefined || event.campaignId === campaign),
        ).length,
      );
    environment.registerFunction(`${name}(): int`, () => count());
    environment.registerFunction(`${name}(int): int`, (days: bigint) => count(days));
    environment.registerFunction(`${name}(string): int`, (campaign: string) => count(undefined, campaign));
    environment.registerFunction(`${name}(int, string): int`, count);
  }
  const last = (name: string, of: string) => {
    const times = (happened[of] ?? []).map((event) => event.at.getTime());
    return times.length === 0 ? {} : { [name]: new Date(Math.max(...times)) };
  };
  const contact = {
    email,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(language && { language }),
    bounceCount: BigInt(one.bounceCount),
    createdAt: at(100),
    facets: seenFacets(one.facets),
    lists: one.lists,
    ...last('lastOpen', 'opens'),
    ...last('lastClick', 'clicks'),
    ...last('lastMessage', 'messages'),
  };
  try {
    return environment.evaluate(expression, { contact }) === true;
  } catch {
    return false;
  }
}

it('finds exactly those for whom the condition holds by itself, all at once and among a few', async () => {
  const { db } = database;
  await db.transaction(async (tx) => {
    // Within a transaction it is always the same time.
    const { rows } = await tx.execute<{ now: string }>(sql`select to_json(now()) as now`);
    const now = new Date(rows[0]?.now ?? Number.NaN);
    now.setMilliseconds(0);
    const people = fc.sample(person, 40);
    const emails = people.map((_, index) => `person${index}@example.com`);
    const at = (days: number) => new Date(now.getTime() - days * dayMs);
    const ids = await insertContacts(
      tx as unknown as typeof db,
      people.map(({ lists: _, events: __, messages: ___, ...one }, index) => ({
        ...one,
        email: emails[index] ?? '',
        createdAt: at(100),
      })),
    );
    for (const name of lists) {
      const [list] = await tx.insert(contactList).values({ name }).returning();
      const members = ids.filter((_, index) => people[index]?.lists.includes(name));
      await tx.insert(listMember).values(members.map((contactId) => ({ listId: list?.id ?? 0, contactId })));
    }
    for (const [index, one] of people.entries()) {
      const contactId = ids[index] ?? 0;
      if (one.events.length > 0) {
        await tx.insert(interaction).values(
          one.events.map(({ daysAgo, ...event }) => ({
            ...event,
            contactId,
            position: contactId,
            at: at(daysAgo),
          })),
        );
      }
      for (const { campaignId, kind, daysAgo } of one.messages) {
        const key = { campaignId, position: contactId, contactId };
        await tx.insert(dispatchQueue).values({ ...key, language: 'en' });
        await tx.insert(dispatchOutcome).values({ ...key, batch: 1, server: 'a', kind, at: at(daysAgo) });
      }
    }
    const some = ids.slice(0, 10);
    const read = async (query: ReturnType<typeof segmentMembers>) => {
      const found = await tx.execute<{ contact_id: string }>(query);
      return new Set(found.rows.map((row) => Number(row.contact_id)));
    };
    await fc.assert(
      fc.asyncProperty(randomCondition, async (expression) => {
        const expected = ids.filter((_, index) => {
          const one = people[index];
          return one !== undefined && holds(expression, one, emails[index] ?? '', now);
        });
        expect([...(await read(segmentMembers(expression)))].sort((a, b) => a - b)).toEqual(expected);
        const among = sql`contact.id = any(${sql.param(some)}::bigint[])`;
        expect([...(await read(segmentMembers(expression, among)))].sort((a, b) => a - b)).toEqual(
          expected.filter((id) => some.includes(id)),
        );
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 150) },
    );
  });
});
