import { Buffer } from 'node:buffer';

/** Messages share blocks of this size; larger ones have their own memory. Bytes. */
const blockLength = 1_048_576;
const largestShared = 65_536;

let block = Buffer.allocUnsafeSlow(blockLength);
let used = 0;

/**
 * Memory for one message, not cleared. Node takes memory of its own from the system for each buffer of more than 4 KB,
 * and its collector gives it back one by one: that costs more than to compose the message. A block is freed when
 * the last of its messages is gone.
 */
export function room(length: number): Buffer {
  if (length > largestShared) return Buffer.allocUnsafeSlow(length);
  if (used + length > blockLength) {
    block = Buffer.allocUnsafeSlow(blockLength);
    used = 0;
  }
  const room = block.subarray(used, used + length);
  used += length;
  return room;
}

/**
 * Memory for the messages of one thread, two at the most at a time: the one on its way, and the one that follows. A
 * dispatcher makes no garbage of its messages so.
 */
export class MessageRoom {
  /** The message that is on its way: what is made next must not lie in its place. */
  kept: Buffer | undefined;
  private readonly blocks = [Buffer.alloc(0), Buffer.alloc(0)];

  /** Memory for a message, not cleared. Gone with it are all messages made here but the one that is kept. */
  take(length: number): Buffer {
    if (length > largestShared) return room(length);
    const index = this.blocks.findIndex((block) => block.buffer !== this.kept?.buffer);
    let block = this.blocks[index];
    if (block === undefined || block.length < length) {
      block = Buffer.allocUnsafeSlow(Math.min(largestShared, 2 * length));
      this.blocks[index] = block;
    }
    return block.subarray(0, length);
  }
}
