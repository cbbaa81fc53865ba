import { describe, expect, it } from 'vitest';
import { WorkInHand } from '../../workers/work-in-hand.ts';

const never = new Promise<void>(() => undefined);
const hourMs = 3_600_000;

describe('the work in hand', () => {
  it('ends when every activity has, be it with an error', async () => {
    const work = new WorkInHand();
    const ends: (() => void)[] = [];
    const { send, fail } = work.counted({
      send: async () => await new Promise<void>((resolve) => ends.push(resolve)),
      fail: async () => {
        throw new Error('no');
      },
    });
    expect(await work.ends(0)).toBe(true);
    const sends = [send(), send()];
    await expect(fail()).rejects.toThrow('no');
    expect(work.unfinished).toBe(2);
    let ended = false;
    const ending = work.ends(hourMs).then((done) => {
      ended = done;
    });
    ends[0]?.();
    await sends[0];
    expect(ended).toBe(false);
    ends[1]?.();
    await ending;
    expect(ended).toBe(true);
    expect(work.unfinished).toBe(0);
  });

  it('is given up when its time is over', async () => {
    const work = new WorkInHand();
    void work.counted({ hang: async () => await never }).hang();
    expect(await work.ends(20)).toBe(false);
    expect(work.unfinished).toBe(1);
  });
});
