import { describe, expect, test } from 'vitest';
import { MessageRoom } from '../../../src/message/mime/room.ts';
import fc from '../../support/fast-check.ts';

describe('the memory for the messages of a thread', () => {
  test('never puts the next message where the one on its way lies', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            length: fc.integer({ min: 1, max: 100_000 }),
            // How often the message that follows is made: again where the first time went wrong.
            times: fc.integer({ min: 1, max: 3 }),
          }),
          { minLength: 2, maxLength: 20 },
        ),
        (messages) => {
          const room = new MessageRoom();
          let sending: Buffer | undefined;
          for (const [number, { length, times }] of messages.entries()) {
            room.kept = sending;
            const before = sending && Buffer.from(sending);
            let next: Buffer | undefined;
            for (let time = 0; time < times; time++) next = room.take(length).fill(number + 1);
            if (sending !== undefined && before !== undefined) expect(sending.equals(before)).toBe(true);
            expect(next?.length).toBe(length);
            sending = next;
          }
        },
      ),
    );
  });

  test('is the same for one message after the other', () => {
    const room = new MessageRoom();
    const blocks = new Set<ArrayBufferLike>();
    for (let number = 0; number < 100; number++) {
      const message = room.take(10_000 + number);
      blocks.add(message.buffer);
      room.kept = message;
    }
    expect(blocks.size).toBe(2);
  });
});
