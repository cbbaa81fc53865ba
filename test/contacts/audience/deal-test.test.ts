import { asc, eq } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DealtTest } from '../../../src/contacts/audience/fill-queue.ts';
import { type QueueSettings, queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { campaign, dispatchQueue } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import fc from '../../support/fast-check.ts';
import { audienceSettings, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
let people: number[];
beforeAll(async () => {
  people = await insertContacts(
    database.db,
    Array.from({ length: 120 }, (_, n) => ({ email: `p${n}@example.com`, doNotMarket: n % 10 === 9 })),
  );
});

const settings = (dealt?: DealtTest): QueueSettings => ({ ...audienceSettings, test: dealt });

async function queued(listId: number, dealt?: DealtTest) {
  const id = await insertCampaign(database.db, { include: [listId] });
  await queueMessage(database.db, id, settings(dealt));
  // Once more, as after a crash: it stays as it is.
  await queueMessage(database.db, id, settings(dealt));
  const rows = await database.db
    .select()
    .from(dispatchQueue)
    .where(eq(dispatchQueue.campaignId, id))
    .orderBy(asc(dispatchQueue.position));
  const [row] = await database.db.select().from(campaign).where(eq(campaign.id, id));
  return { id, rows, queued: row?.queued, testSize: row?.testSize };
}

const isWanted = (id: number) => people.indexOf(id) % 10 !== 9;

describe('the queue of an A/B test', () => {
  test('has the test first, the variants dealt in turn, and everybody else once behind it', async () => {
    const shares = fc.integer({ min: 1, max: 10_000 }).map((n) => n / 100);
    const sizes = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 120 }));
    await fc.assert(
      fc.asyncProperty(shares, fc.integer({ min: 2, max: 5 }), sizes, async (share, variants, size) => {
        const members = people.slice(0, size);
        const wanted = members.filter(isWanted);
        const { rows, ...stored } = await queued((await insertList(database.db, members)).id, {
          share,
          variants,
        });
        // In hundredths of a percent, so that it is exact.
        const hundredths = Math.round(share * 100) * wanted.length;
        const expected = Math.min(wanted.length, Math.max(variants, Math.ceil(hundredths / 10_000)));
        expect(stored).toMatchObject({ queued: wanted.length, testSize: expected });

        expect(rows.map(({ position }) => position)).toEqual(wanted.map((_, index) => index + 1));
        expect(rows.map(({ contactId }) => contactId).sort((a, b) => a - b)).toEqual(wanted);
        expect(rows.map(({ variant }) => variant)).toEqual(
          wanted.map((_, index) => (index < expected ? index % variants : null)),
        );
        const behind = rows.slice(expected).map(({ contactId }) => contactId);
        expect(behind).toEqual([...behind].sort((a, b) => a - b));
      }),
      { numRuns: 40 },
    );
  });

  test('is drawn by chance, and by another one for each campaign', async () => {
    const list = await insertList(database.db, people.filter(isWanted));
    const dealt = { share: 50, variants: 2 };
    const drawn = async () => {
      const { rows } = await queued(list.id, dealt);
      return new Set(rows.filter(({ variant }) => variant !== null).map(({ contactId }) => contactId));
    };
    const [one, other] = [await drawn(), await drawn()];
    const both = [...one].filter((id) => other.has(id)).length;
    // Of 54 and 54 out of 108, 27 are expected in both; all or none would be no chance.
    expect(both).toBeGreaterThan(8);
    expect(both).toBeLessThan(46);
  });

  test('is as before for a campaign without a test', async () => {
    const list = await insertList(database.db, people.slice(0, 5));
    const { rows, testSize } = await queued(list.id);
    expect(rows.map(({ contactId, variant }) => [contactId, variant])).toEqual(
      people.slice(0, 5).map((id) => [id, 0]),
    );
    expect(testSize).toBeNull();
  });
});
