import { Socket, type SocketConstructorOpts } from 'node:net';

/** As much as Node.js reads at a time by itself, bytes. */
const bufferSize = 65_536;
/** One for all connections: whoever takes a chunk is done with it before the next one is read. */
const buffer = Buffer.allocUnsafeSlow(bufferSize);

/**
 * Reads an accepted connection into one buffer, used again for each chunk; else Node.js makes 64 KiB of memory for each, and
 * tidies it up, which is half of what a message costs. Its `onread` is only for sockets that connect themselves. So the
 * accepted one's handle, of which nothing has been read yet (`pauseOnConnect`), is given to a socket with `onread`, in the way
 * in which net.Server gave it to the accepted one; `handle` and `_handle` are not documented.
 *
 * @param take is given each chunk, whose memory is the next one's as soon as it returns
 * @returns the socket to use from here on: the accepted one is not of this connection any more
 */
export function readConnection(accepted: Socket, take: (chunk: Buffer) => void): Socket {
  const { _handle: handle } = accepted as unknown as { readonly _handle: object };
  const callback = (length: number) => {
    take(buffer.subarray(0, length));
    // On with reading.
    return true;
  };
  const socket = new Socket({ handle, onread: { buffer, callback } } as SocketConstructorOpts);
  // Chunks come without it, the end of the connection does not.
  return socket.resume();
}
