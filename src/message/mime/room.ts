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
