import { describe, expect, it } from 'vitest';
import { DispatchThreads } from '../../src/dispatch/dispatch-threads.ts';

/** Tasks that ask for a thread, and who got one. */
function tasks(threads: DispatchThreads) {
  const got: string[] = [];
  return {
    got,
    async ask(name: string, isWanted: () => boolean = () => true) {
      got.push((await threads.take(isWanted)) ? name : `not ${name}`);
    },
    settled: async () => await new Promise(setImmediate),
  };
}

describe('the threads of a dispatcher', () => {
  it('are given to those who ask, first come, first served', async () => {
    const threads = new DispatchThreads(2);
    const { ask, got, settled } = tasks(threads);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    await settled();
    expect(got).toEqual(['a', 'b']);
    expect(threads.hasWaiting).toBe(true);
    threads.release();
    await settled();
    expect(got).toEqual(['a', 'b', 'c']);
    threads.release();
    await settled();
    expect(got).toEqual(['a', 'b', 'c', 'd']);
    expect(threads.hasWaiting).toBe(false);
  });

  it('are not kept for those who want none any more: their batch was told to stop', async () => {
    const threads = new DispatchThreads(1);
    const { ask, got, settled } = tasks(threads);
    let isWanted = true;
    void ask('a');
    void ask('b', () => isWanted);
    void ask('c');
    isWanted = false;
    threads.review();
    await settled();
    expect(got).toEqual(['a', 'not b']);
    threads.release();
    await settled();
    expect(got).toEqual(['a', 'not b', 'c']);
  });

  it('are as many as may be used now, and one at the least', async () => {
    let usable = 0;
    const threads = new DispatchThreads(3, () => usable);
    const { ask, got, settled } = tasks(threads);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    await settled();
    expect(got).toEqual(['a']);
    usable = 3;
    threads.review();
    await settled();
    expect(got).toEqual(['a', 'b', 'c']);
  });
});
