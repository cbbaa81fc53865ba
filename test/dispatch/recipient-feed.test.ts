import { afterEach, describe, expect, it, vi } from 'vitest';
import type { QueuedRecipient } from '../../src/dispatch/read-recipients.ts';
import { type Fed, RecipientFeed } from '../../src/dispatch/recipient-feed.ts';
import type { PositionRange } from '../../src/domain/batch-plan.ts';
import fc from '../support/fast-check.ts';

const recipient = {
  contactId: 1,
  email: 'a@example.com',
  firstName: '',
  lastName: '',
  language: '',
  facets: {},
};

function queuedAt(position: number): QueuedRecipient {
  return {
    position,
    variant: 0,
    language: 'en',
    recipient,
    exclusion: null,
    attempts: 0,
    sinceFirstAttemptMs: 0,
    hasNewAddress: false,
  };
}

/** The books as a feed sees them: who is read, and what was asked. */
function books(isOpen: (position: number) => boolean = () => true) {
  const asked: (PositionRange & { limit: number })[] = [];
  const read = async ({ first, last }: PositionRange, limit: number): Promise<QueuedRecipient[]> => {
    asked.push({ first, last, limit });
    await new Promise(setImmediate);
    const found: QueuedRecipient[] = [];
    for (let position = first; position <= last && found.length < limit; position++)
      if (isOpen(position)) found.push(queuedAt(position));
    return found;
  };
  return { asked, read };
}

const positionOf = (fed: Fed | undefined) => fed?.queued.position;

async function takeAll(feed: RecipientFeed): Promise<(number | undefined)[]> {
  const taken: (number | undefined)[] = [];
  for (let fed = await feed.take(); fed !== undefined; fed = await feed.take()) {
    taken.push(positionOf(fed));
    feed.settled();
  }
  return taken;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the feed of a batch', () => {
  it('gives everybody who is open to one of its threads, once, however they take, and leaves the rest of a stopped batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 60 })),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 70 }),
        async (last, closed, groupSize, threads, stopAfter) => {
          const { read } = books((position) => !closed.includes(position));
          const feed = new RecipientFeed({ range: { first: 1, last }, read, groupSize: () => groupSize });
          const done: number[] = [];
          const thread = async () => {
            let fed = await feed.take();
            while (fed !== undefined) {
              const upcoming = feed.takeNow();
              if (done.length >= stopAfter) {
                feed.giveBack(fed);
                if (upcoming !== undefined) feed.giveBack(upcoming);
                return feed.stop();
              }
              await new Promise(setImmediate);
              done.push(fed.queued.position);
              feed.settled();
              fed = upcoming ?? (await feed.take());
            }
          };
          await Promise.all(Array.from({ length: threads }, thread));
          const open = Array.from({ length: last }, (_, index) => index + 1).filter(
            (n) => !closed.includes(n),
          );
          expect(new Set(done).size).toBe(done.length);
          expect(open).toEqual(expect.arrayContaining(done));
          const { first = last + 1 } = feed.rest ?? {};
          // Nobody is lost: whoever was not done is in the rest.
          expect(open.filter((position) => !done.includes(position) && position < first)).toEqual([]);
          if (open.length <= stopAfter) expect(done).toHaveLength(open.length);
          expect(feed.done).toBe(done.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads ahead while the last of a group are still to be given', async () => {
    const { read, asked } = books();
    const feed = new RecipientFeed({ range: { first: 1, last: 25 }, read, groupSize: () => 10 });
    for (let taken = 0; taken < 7; taken++) await feed.take();
    expect(asked).toHaveLength(1);
    await feed.take();
    expect(asked).toMatchObject([{ first: 1 }, { first: 11 }]);
    for (let taken = 0; taken < 2; taken++) feed.takeNow();
    await new Promise(setImmediate);
    expect(positionOf(feed.takeNow())).toBe(11);
  });

  it('reads again what was not given out in time, fewer at once, and nobody who was given out', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { read, asked } = books();
    const feed = new RecipientFeed({ range: { first: 1, last: 100 }, read, groupSize: () => 50 });
    for (let taken = 0; taken < 3; taken++) await feed.take();
    vi.advanceTimersByTime(1_500);
    expect(feed.takeNow()).toBeUndefined();
    expect(positionOf(await feed.take())).toBe(4);
    expect(asked.at(-1)).toEqual({ first: 4, last: 100, limit: 3 });
    // However slow it is: the first of each group is given.
    for (const position of [5, 6, 7, 8]) {
      vi.advanceTimersByTime(5_000);
      expect(positionOf(await feed.take())).toBe(position);
    }
  });

  it('gives nobody twice who was settled and loses nobody, whoever is given back and whatever is slow', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('sends', 'sends', 'gives back', 'fails'), { maxLength: 30 }),
        fc.boolean(),
        async (scheduler, last, groupSize, threads, acts, isAtMostOnce) => {
          const { read } = books();
          const left = [...acts];
          let announced: PositionRange = { first: 0, last: 0 };
          const feed = new RecipientFeed({
            range: { first: 1, last },
            read: async (range, limit) =>
              await scheduler.schedule(Promise.resolve()).then(async () => await read(range, limit)),
            groupSize: () => groupSize,
            ...(isAtMostOnce
              ? {
                  announce: async (group: PositionRange) => {
                    await scheduler.schedule(Promise.resolve());
                    // As the database does it: an announcement that comes late takes the place of no later one.
                    if (group.first >= announced.first) announced = group;
                    return true;
                  },
                }
              : {}),
          });
          const done: number[] = [];
          const thread = async () => {
            let fed = await feed.take();
            while (fed !== undefined) {
              const { position } = fed.queued;
              if (isAtMostOnce) {
                expect(position).toBeGreaterThanOrEqual(announced.first);
                expect(position).toBeLessThanOrEqual(announced.last);
              }
              const upcoming = feed.takeNow();
              await scheduler.schedule(Promise.resolve());
              const act = left.pop() ?? 'sends';
              if (act === 'sends') {
                done.push(position);
                feed.settled();
              } else feed.giveBack(fed);
              if (act === 'fails') {
                if (upcoming !== undefined) feed.giveBack(upcoming);
                return;
              }
              fed = upcoming ?? (await feed.take());
            }
          };
          const all = Promise.all(Array.from({ length: threads }, thread));
          await scheduler.waitFor(all);
          expect(new Set(done).size).toBe(done.length);
          const { first = last + 1 } = feed.rest ?? {};
          for (let position = 1; position < first; position++) expect(done).toContain(position);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives one that was given back again, read by itself, when all others are out', async () => {
    let isSettledByOthers = false;
    const { read, asked } = books((position) => position !== 2 || !isSettledByOthers);
    const feed = new RecipientFeed({ range: { first: 1, last: 3 }, read, groupSize: () => 10 });
    const [one, two, three] = [await feed.take(), await feed.take(), await feed.take()];
    expect([one, two, three].map(positionOf)).toEqual([1, 2, 3]);
    feed.giveBack(two as Fed);
    feed.settled();
    feed.settled();
    expect(feed.isOver).toBe(false);
    expect(feed.rest).toEqual({ first: 2, last: 3 });
    const again = await feed.take();
    expect(positionOf(again)).toBe(2);
    expect(asked.at(-1)).toMatchObject({ first: 2, last: 2 });
    feed.giveBack(again as Fed);
    isSettledByOthers = true;
    expect(await feed.take()).toBeUndefined();
    expect(feed.rest).toBeUndefined();
  });

  it('announces each group before the first of it is given, and not before all of the last one are settled', async () => {
    const { read } = books((position) => position !== 3);
    const announced: PositionRange[] = [];
    const feed = new RecipientFeed({
      range: { first: 1, last: 8 },
      read,
      groupSize: () => 3,
      announce: async (group) => announced.push(group) > 0,
    });
    const group = [await feed.take(), await feed.take(), await feed.take()];
    expect(group.map(positionOf)).toEqual([1, 2, 4]);
    expect(announced).toEqual([{ first: 1, last: 4 }]);
    const next = feed.take();
    feed.settled();
    feed.settled();
    await new Promise(setImmediate);
    expect(announced).toHaveLength(1);
    feed.settled();
    expect(positionOf(await next)).toBe(5);
    expect(announced.at(-1)).toEqual({ first: 5, last: 7 });
  });

  it('hands over nothing of a group that could not be announced', async () => {
    const { read } = books();
    const feed = new RecipientFeed({
      range: { first: 1, last: 8 },
      read,
      groupSize: () => 3,
      announce: async () => false,
    });
    expect(await takeAll(feed)).toEqual([]);
    expect(feed.rest).toEqual({ first: 1, last: 8 });
  });

  it('tells whoever waits that reading has failed, and can be asked again', async () => {
    const { read } = books();
    let isAway = true;
    const feed = new RecipientFeed({
      range: { first: 1, last: 3 },
      read: async (range, limit) => {
        if (isAway) throw new Error('the database is away');
        return await read(range, limit);
      },
      groupSize: () => 10,
    });
    await expect(feed.take()).rejects.toThrow('the database is away');
    isAway = false;
    expect(await takeAll(feed)).toEqual([1, 2, 3]);
  });
});
