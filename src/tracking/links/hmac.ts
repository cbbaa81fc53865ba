import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';

const blockLength = 64;
const digestLength = 32;
/** Messages longer than this take the room they need; shorter ones share one. Bytes. */
const roomLength = 1_024;

/**
 * HMAC-SHA256 (RFC 2104) with one key, for many short messages: two digests over what is prepared once. Making one of
 * Node's Hmac objects costs some three times as much, and each recipient's message takes two.
 */
export function hmacSha256(key: Uint8Array): (message: Uint8Array) => Buffer {
  const short = key.length > blockLength ? hash('sha256', key, 'buffer') : key;
  const padded = Buffer.alloc(blockLength);
  padded.set(short);
  const inner = Buffer.alloc(blockLength + roomLength);
  const outer = Buffer.alloc(blockLength + digestLength);
  for (let index = 0; index < blockLength; index++) {
    inner[index] = (padded[index] ?? 0) ^ 0x36;
    outer[index] = (padded[index] ?? 0) ^ 0x5c;
  }
  const innerKey = inner.subarray(0, blockLength);
  return (message) => {
    if (message.length <= roomLength) {
      inner.set(message, blockLength);
      outer.set(hash('sha256', inner.subarray(0, blockLength + message.length), 'buffer'), blockLength);
    } else outer.set(hash('sha256', Buffer.concat([innerKey, message]), 'buffer'), blockLength);
    return hash('sha256', outer, 'buffer');
  };
}
