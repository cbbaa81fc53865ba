import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/logging.ts';
import { endInOrder } from '../../workers/temporal-role.ts';
import { WorkInHand } from '../../workers/work-in-hand.ts';

const log = createLogger('test');
const ending = Promise.resolve();
const never = new Promise<void>(() => undefined);

/** A dispatcher with a message on the wire, which notes what is asked of it. */
function dispatcherThatSends() {
  const asked: string[] = [];
  const work = new WorkInHand();
  let answered: () => void = () => undefined;
  const { send } = work.counted({
    send: async () =>
      await new Promise<void>((resolve) => {
        answered = resolve;
      }),
  });
  void send();
  return {
    asked,
    work,
    answerArrives() {
      asked.push('answered');
      answered();
    },
    dispatcher: { drain: () => void asked.push('drain'), close: () => void asked.push('close') },
  };
}

describe('the end of a dispatcher', () => {
  test('by the death of a worker: recording goes on until the message on the wire is answered', async () => {
    const { work, dispatcher, asked, answerArrives } = dispatcherThatSends();
    const done = Promise.reject(new Error('the worker died'));
    done.catch(() => undefined);
    const end = endInOrder({ group: { ending, done }, work, dispatcher, log });
    setTimeout(answerArrives, 50);
    await expect(end).rejects.toThrow('the worker died');
    expect(asked).toEqual(['drain', 'answered', 'close']);
  });

  test('by a stop: it ends when all is recorded and reported', async () => {
    const { work, dispatcher, asked, answerArrives } = dispatcherThatSends();
    const end = endInOrder({ group: { ending, done: Promise.resolve() }, work, dispatcher, log });
    setTimeout(answerArrives, 50);
    await end;
    expect(asked).toEqual(['drain', 'answered', 'close']);
  });

  test('without an answer: patience ends, and the error says how much was unfinished', async () => {
    const { work, dispatcher, asked } = dispatcherThatSends();
    const parts = { group: { ending, done: never }, work, dispatcher, log };
    await expect(endInOrder(parts, { drainMs: 20, reportMs: 20 })).rejects.toMatchObject({
      code: 'STOP_INCOMPLETE',
      message: expect.stringContaining('1 of its batches'),
    });
    expect(asked).toEqual(['drain', 'close']);
  });

  test('where Temporal does not take its results: the error says so', async () => {
    const parts = { group: { ending, done: never }, work: new WorkInHand(), dispatcher: undefined, log };
    await expect(endInOrder(parts, { drainMs: 20, reportMs: 20 })).rejects.toMatchObject({
      code: 'STOP_INCOMPLETE',
      message: expect.stringContaining('Temporal'),
    });
  });
});
