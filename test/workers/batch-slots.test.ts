import { describe, expect, it } from 'vitest';
import { HandBackPace } from '../../src/dispatch/hand-back-pace.ts';
import { MailServerState } from '../../src/dispatch/mail-server-state.ts';
import { BatchSlots } from '../../workers/batch-slots.ts';
import { waitFor } from '../support/wait-for.ts';

/** Slots by a mail server that is well, and how many of the asked for have been granted. */
function slotsOf(threads: number) {
  const mailServer = new MailServerState('well');
  const pace = new HandBackPace();
  const slots = new BatchSlots(threads, [mailServer, pace]);
  let granted = 0;
  return {
    mailServer,
    pace,
    slots,
    async granted() {
      await new Promise(setImmediate);
      return granted;
    },
    ask(times: number, signal = new AbortController().signal) {
      return Array.from({ length: times }, async () => {
        await slots.reserveSlot(undefined, signal);
        granted++;
      });
    },
  };
}

describe('the slots of a dispatcher', () => {
  it('are as many as it has threads', async () => {
    const { slots, ask, granted } = slotsOf(2);
    ask(3);
    expect(await granted()).toBe(2);
    expect(slots.tryReserveSlot()).toBeNull();
    slots.releaseSlot();
    expect(await granted()).toBe(3);
    slots.releaseSlot();
    expect(slots.tryReserveSlot()).not.toBeNull();
  });

  it('are none while the mail server is ill, and those that are in use are not taken from anybody', async () => {
    const { mailServer, slots, ask, granted } = slotsOf(3);
    ask(1);
    mailServer.unreachable('gone');
    ask(2);
    expect(await granted()).toBe(1);
    expect(slots.tryReserveSlot()).toBeNull();
    slots.releaseSlot();
    expect(await granted()).toBe(1);
    mailServer.connected();
    expect(await granted()).toBe(3);
  });

  it('are one at a time while the mail server is tried', async () => {
    const { mailServer, slots, ask, granted } = slotsOf(3);
    mailServer.takesNothing('451 not now');
    ask(3);
    mailServer.reached();
    expect(await granted()).toBe(1);
    slots.releaseSlot();
    expect(await granted()).toBe(2);
    mailServer.answered();
    expect(await granted()).toBe(3);
  });

  it('are one at a time, ever more seldom, while all it gets are batches that it cannot send', async () => {
    const { pace, slots, ask, granted } = slotsOf(4);
    ask(12);
    expect(await granted()).toBe(4);
    const took = [];
    for (const expected of [5, 6, 7]) {
      const since = performance.now();
      pace.handedBack();
      // All that was asked for before comes back; nothing is asked for anew until the pause is over, and then once.
      while (expected === 5 && took.length < 3) took.push(slots.releaseSlot());
      slots.releaseSlot();
      expect(await granted()).toBe(expected - 1);
      await waitFor(async () => (await granted()) === expected);
      const pausedMs = performance.now() - since;
      // A timer may be early by less than a millisecond.
      expect(pausedMs).toBeGreaterThan(250 * 2 ** (expected - 5) - 1);
      expect(slots.tryReserveSlot()).toBeNull();
    }
  });

  it('are all again once it gets a batch that it can send', async () => {
    const { pace, slots, ask, granted } = slotsOf(3);
    ask(1);
    pace.handedBack();
    slots.releaseSlot();
    ask(5);
    expect(await granted()).toBe(1);
    await waitFor(async () => (await granted()) === 2);
    const ended = pace.accepted();
    expect(await granted()).toBe(4);
    pace.handedBack();
    slots.releaseSlot();
    slots.releaseSlot();
    expect(await granted()).toBe(4);
    // What it works on takes nothing from what it may ask for.
    await waitFor(async () => (await granted()) === 5);
    ended();
  });

  it('are given up for by a worker that stops', async () => {
    const { mailServer, slots, ask, granted } = slotsOf(1);
    mailServer.unreachable('gone');
    const stop = new AbortController();
    const [waiting] = ask(1, stop.signal);
    stop.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    const [late] = ask(1, stop.signal);
    await expect(late).rejects.toThrow('stop');
    mailServer.connected();
    expect(await granted()).toBe(0);
    expect(slots.tryReserveSlot()).not.toBeNull();
  });
});
