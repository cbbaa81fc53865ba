import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { untilAborted } from '../../src/bench/campaign.ts';

const pending = () => {
  let fail: (error: Error) => void = () => undefined;
  const awaited = new Promise<string>((_, reject) => {
    fail = reject;
  });
  return { awaited, fail };
};

it('gives up what is awaited when the signal comes, or came before, and whatever becomes of it then is heard by nobody', async () => {
  const stop = new AbortController();
  const [during, before] = [pending(), pending()];
  const waiting = untilAborted(stop.signal, during.awaited);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  await expect(untilAborted(stop.signal, before.awaited)).rejects.toThrow('stopped');
  // vitest fails of a rejection that nobody handles.
  during.fail(new Error('too late'));
  before.fail(new Error('too late'));
  await turn();
});

it('passes on how it ends where no signal comes', async () => {
  const { signal } = new AbortController();
  expect(await untilAborted(signal, Promise.resolve('done'))).toBe('done');
  await expect(untilAborted(signal, Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});
