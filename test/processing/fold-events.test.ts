import { describe, expect, it } from 'vitest';
import { type AgentEvent, foldEvents, repeatWindowMs } from '../../src/processing/fold-events.ts';
import fc from '../support/fast-check.ts';

const start = Date.UTC(2026, 8, 1, 8);
const open = (change: Partial<AgentEvent> = {}): AgentEvent => ({
  type: 'EmailOpened',
  campaignId: 'autumn-7k3f',
  position: 1,
  contactId: 11,
  link: null,
  agent: 'person',
  at: start,
  ...change,
});
const click = (change: Partial<AgentEvent> = {}) => open({ type: 'EmailClicked', link: 0, ...change });

describe('events that follow each other', () => {
  it('are one interaction with repeats up to 300 seconds', () => {
    const events = [open(), open({ at: start + 1 }), open({ at: start + repeatWindowMs })];
    expect(foldEvents(events, [], []).interactions).toEqual([{ ...open(), repeats: 2 }]);
  });

  it('are two interactions beyond 300 seconds', () => {
    const events = [open(), open({ at: start + repeatWindowMs + 1 })];
    const { interactions, statistics } = foldEvents(events, [], []);
    expect(interactions.map(({ at, repeats }) => [at, repeats])).toEqual([
      [start, 0],
      [start + repeatWindowMs + 1, 0],
    ]);
    expect(statistics).toEqual([
      { campaignId: 'autumn-7k3f', type: 'EmailOpened', agent: 'person', total: 2, unique: 1 },
    ]);
  });

  it.each([
    ['recipients', open(), open({ position: 2, contactId: 12 })],
    ['links', click(), click({ link: 1 })],
    ['types', open(), click()],
    ['campaigns', open(), open({ campaignId: 'winter-1a2b' })],
    ['kinds of agent', open({ agent: 'image-proxy' }), open()],
  ])('of different %s are no repeats of each other', (_, one, other) => {
    expect(foldEvents([one, other], [], []).interactions).toHaveLength(2);
  });

  it('in the wrong order are put right first', () => {
    const events = [open({ at: start + 200_000 }), open({ at: start + 400_000 }), open()];
    const { interactions } = foldEvents(events, [], []);
    expect(interactions.map(({ at, repeats }) => [at - start, repeats])).toEqual([
      [0, 1],
      [400_000, 0],
    ]);
  });
});

describe('events that the database knows already', () => {
  it('are added to as repeats, before and after', () => {
    const known = [{ ...open(), id: 7 }];
    const events = [open({ at: start - 1_000 }), open({ at: start + 1_000 }), open({ at: start + 400_000 })];
    const { interactions, repeats, statistics } = foldEvents(events, known, [open()]);
    expect(repeats).toEqual([{ id: 7, repeats: 2 }]);
    expect(interactions).toHaveLength(1);
    expect(statistics).toEqual([
      { campaignId: 'autumn-7k3f', type: 'EmailOpened', agent: 'person', total: 1, unique: 0 },
    ]);
  });
});

describe('a click', () => {
  it('of a person lets the bounces of the mailbox that the message went to be forgotten, once', () => {
    const events = [click(), click({ link: 1 }), click({ contactId: 12, position: 2 })];
    expect(
      foldEvents(events, [], []).clicked.map(({ contactId, position }) => [contactId, position]),
    ).toEqual([
      [11, 1],
      [12, 2],
    ]);
  });

  it('of a scanner, and an open, do not', () => {
    expect(foldEvents([click({ agent: 'link-scanner' }), open()], [], []).clicked).toEqual([]);
  });
});

const anyEvent = fc.record({
  type: fc.constantFrom('EmailOpened', 'EmailClicked'),
  campaignId: fc.constantFrom('a', 'b'),
  position: fc.integer({ min: 1, max: 3 }),
  contactId: fc.constant(1),
  link: fc.constantFrom(null, 0, 1),
  agent: fc.constantFrom('person' as const, 'image-proxy' as const),
  at: fc.integer({ min: start, max: start + 4 * repeatWindowMs }),
});

describe('whatever the events', () => {
  it('each ends as an interaction or as a repeat of one', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const { interactions } = foldEvents(events, [], []);
        const all = interactions.reduce((sum, one) => sum + 1 + one.repeats, 0);
        expect(all).toBe(events.length);
      }),
    );
  });

  it('the statistics are the sums over the interactions', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const { interactions, statistics } = foldEvents(events, [], []);
        for (const { campaignId, type, agent, total, unique } of statistics) {
          const counted = interactions.filter(
            (one) => one.campaignId === campaignId && one.type === type && one.agent === agent,
          );
          expect(total).toBe(counted.length);
          expect(unique).toBe(new Set(counted.map((one) => one.position)).size);
        }
      }),
    );
  });

  it('their order in the inbox makes no difference', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        const byText = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();
        const forward = foldEvents(events, [], []);
        const backward = foldEvents([...events].reverse(), [], []);
        expect(byText(backward.interactions)).toEqual(byText(forward.interactions));
      }),
    );
  });
});
