import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/logging.ts';
import { endInOrder } from '../../workers/temporal-role.ts';

const log = createLogger('test');

/** A dispatcher with one open batch, which notes what is asked of it. */
function dispatcherWithOpenBatch() {
  const asked: string[] = [];
  let answered: () => void = () => undefined;
  const answer = new Promise<void>((resolve) => {
    answered = resolve;
  });
  let unfinished = 1;
  return {
    asked,
    answerArrives() {
      unfinished = 0;
      asked.push('answered');
      answered();
    },
    get unfinished() {
      return unfinished;
    },
    drain: () => void asked.push('drain'),
    async idle(timeoutMs: number) {
      await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, timeoutMs))]);
      return unfinished === 0;
    },
    close: () => void asked.push('close'),
  };
}

describe('the end of a dispatcher', () => {
  test('by the death of a worker: recording goes on until the message on the wire is answered', async () => {
    const dispatcher = dispatcherWithOpenBatch();
    const done = Promise.reject(new Error('the worker died'));
    done.catch(() => undefined);
    const end = endInOrder({ ending: Promise.resolve(), done }, dispatcher, log);
    setTimeout(() => dispatcher.answerArrives(), 50);
    await expect(end).rejects.toThrow('the worker died');
    expect(dispatcher.asked).toEqual(['drain', 'answered', 'close']);
  });

  test('by a stop: it ends when all is recorded and reported', async () => {
    const dispatcher = dispatcherWithOpenBatch();
    const end = endInOrder({ ending: Promise.resolve(), done: Promise.resolve() }, dispatcher, log);
    setTimeout(() => dispatcher.answerArrives(), 50);
    await end;
    expect(dispatcher.asked).toEqual(['drain', 'answered', 'close']);
  });

  test('without an answer: patience ends, and the error says how many batches were open', async () => {
    const dispatcher = dispatcherWithOpenBatch();
    const never = new Promise<void>(() => undefined);
    const group = { ending: Promise.resolve(), done: never };
    await expect(endInOrder(group, dispatcher, log, { drainMs: 20, reportMs: 20 })).rejects.toMatchObject({
      code: 'STOP_INCOMPLETE',
      message: expect.stringContaining('1 of its batches'),
    });
    expect(dispatcher.asked).toEqual(['drain', 'close']);
  });
});
