import { describe, expect, test } from 'vitest';
import { noTotals } from '../../src/domain/outcome.ts';
import type { Arrival } from './mail-receiver.ts';
import { type Books, judge } from './oracle.ts';

/** Books of a campaign that was sent to everybody, and what the mail server received of it. */
function wellSent(recipients = 5) {
  const positions = Array.from({ length: recipients }, (_, index) => index + 1);
  const books: Books = {
    campaignId: 'autumn-1',
    state: 'Sent',
    totals: { ...noTotals, queued: recipients, sent: recipients },
    queue: positions.map((position) => ({ position, address: `r${position}@example.com` })),
    outcomes: positions.map((position) => ({ position, kind: 'sent', messageId: `<${position}@x>` })),
  };
  const arrivals = positions.map(
    (position): Arrival => ({
      from: 'autumn@example.com',
      to: `r${position}@example.com`,
      messageId: `<${position}@x>`,
      begunAt: position,
      decidedAt: position,
      at: position,
      connection: 1,
      answered: true,
    }),
  );
  return { books, arrivals };
}

const expected = { ends: ['Sent'], atMostOnce: false };

describe('the oracle', () => {
  test('finds nothing where everybody got it once and the books say so', () => {
    const { books, arrivals } = wellSent();
    expect(judge(books, arrivals, expected)).toEqual({
      broken: [],
      missing: 0,
      repeated: 0,
      inDoubt: 0,
      sent: 5,
    });
  });

  test('finds nothing in a campaign to nobody', () => {
    const { books } = wellSent(0);
    expect(judge(books, [], expected)).toEqual({ broken: [], missing: 0, repeated: 0, inDoubt: 0, sent: 0 });
  });

  test('finds a message that the ledger has and nobody received', () => {
    const { books, arrivals } = wellSent();
    const { broken, missing } = judge(books, arrivals.slice(1), expected);
    expect(missing).toBe(1);
    expect(broken).toEqual([expect.stringContaining('not received: r1@example.com')]);
  });

  test('counts a message that was received twice', () => {
    const { books, arrivals } = wellSent();
    expect(judge(books, [...arrivals, ...arrivals.slice(0, 2)], expected)).toMatchObject({
      broken: [],
      repeated: 2,
    });
  });

  test.each(['failed', 'skipped', 'cancelled'] as const)(
    'counts a message that was received though its outcome is %s',
    (kind) => {
      const { books, arrivals } = wellSent();
      const outcomes = books.outcomes.map((one, index) => (index === 0 ? { ...one, kind } : one));
      const sending = { ends: ['Sending'], atMostOnce: false };
      const totals = { ...books.totals, sent: 4, [kind]: 1 };
      expect(judge({ ...books, state: 'Sending', outcomes, totals }, arrivals, sending)).toMatchObject({
        broken: [],
        repeated: 1,
        sent: 4,
      });
      expect(
        judge({ ...books, state: 'Sending', outcomes, totals }, arrivals.slice(1), sending),
      ).toMatchObject({
        repeated: 0,
      });
    },
  );

  test('takes no message for a repeat whose recipient is in doubt, received or not', () => {
    const { books, arrivals } = wellSent();
    const outcomes = books.outcomes.map((one, index) =>
      index === 0 ? { ...one, kind: 'in_doubt' as const } : one,
    );
    const doubted = { ...books, outcomes, totals: { ...books.totals, sent: 4, inDoubt: 1 } };
    const once = { ...expected, atMostOnce: true };
    for (const received of [arrivals, arrivals.slice(1)]) {
      expect(judge(doubted, received, once)).toMatchObject({ broken: [], repeated: 0, inDoubt: 1 });
    }
    expect(judge(doubted, arrivals, expected).broken).toEqual([expect.stringContaining('1 in doubt')]);
  });

  test('finds a message that was received twice where nobody may be', () => {
    const { books, arrivals } = wellSent();
    const twice = [...arrivals, ...arrivals.slice(0, 1)];
    expect(judge(books, twice, { ...expected, atMostOnce: true }).broken).toEqual([
      expect.stringContaining('received twice, and nobody may be: r1@example.com'),
    ]);
  });

  test('finds a message to somebody who was not queued', () => {
    const { books, arrivals } = wellSent();
    const stranger = { ...wellSent(6).arrivals.slice(5)[0] } as Arrival;
    expect(judge(books, [...arrivals, stranger], expected).broken).toEqual([
      expect.stringContaining('received though not queued: r6@example.com'),
    ]);
  });

  test('finds a message that is not the one that the ledger names', () => {
    const { books, arrivals } = wellSent();
    const other = arrivals.map((one, index) => (index === 0 ? { ...one, messageId: '<other@x>' } : one));
    expect(judge(books, other, expected).broken).toEqual([expect.stringContaining('Message-ID')]);
  });

  test('finds a recipient without an outcome', () => {
    const { books, arrivals } = wellSent();
    const wrong = { ...books, outcomes: books.outcomes.slice(1) };
    expect(judge(wrong, arrivals, expected).broken).toContainEqual(
      expect.stringContaining('queued without an outcome: positions 1'),
    );
  });

  test('finds a recipient with two outcomes, and one that was never queued', () => {
    const { books, arrivals } = wellSent();
    const outcomes = [
      ...books.outcomes,
      ...books.outcomes.slice(0, 1),
      ...wellSent(6).books.outcomes.slice(5),
    ];
    const { broken } = judge({ ...books, outcomes }, arrivals, expected);
    expect(broken).toContainEqual(expect.stringContaining('more than one outcome: positions 1'));
    expect(broken).toContainEqual(expect.stringContaining('not queued: 6'));
  });

  test.each([{ sent: 4 }, { queued: 6 }, { remaining: 1 }, { failed: 1 }, { inDoubt: 1 }])(
    'finds totals that are not the ledger: %j',
    (totals) => {
      const { books, arrivals } = wellSent();
      const wrong = { ...books, totals: { ...books.totals, ...totals } };
      expect(judge(wrong, arrivals, expected).broken).toEqual([
        expect.stringContaining("are not the ledger's"),
      ]);
    },
  );

  test('finds an end that is none', () => {
    const { books, arrivals } = wellSent();
    expect(judge({ ...books, state: 'Sending (Paused)' }, arrivals, expected).broken).toEqual([
      'it ended as Sending (Paused), not as Sent',
    ]);
  });

  test('finds a campaign that is Sent though recipients were cancelled', () => {
    const { books, arrivals } = wellSent();
    const outcomes = books.outcomes.map((one, index) =>
      index === 0 ? { ...one, kind: 'cancelled' as const } : one,
    );
    const wrong = { ...books, outcomes, totals: { ...books.totals, sent: 4, cancelled: 1 } };
    const { broken } = judge(wrong, arrivals.slice(1), {
      ...expected,
      ends: ['Sent', 'Inactive (Cancelled)'],
    });
    expect(broken).toEqual(['it is Sent, and 1 recipients were cancelled']);
  });
});
