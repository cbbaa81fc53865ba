import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readConnection } from '../../src/bench/receiver/read-connection.ts';
import { waitFor } from '../support/wait-for.ts';

interface Connection {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  readonly events: string[];
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that reads its connections so, and keeps what came; echoes it in upper case. */
async function startServer() {
  const connections: Connection[] = [];
  const memory = new Set<ArrayBufferLike>();
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    const chunks: Buffer[] = [];
    const events: string[] = [];
    const socket = readConnection(accepted, (chunk) => {
      memory.add(chunk.buffer);
      chunks.push(Buffer.from(chunk));
      if (chunk.length < 100) socket.write(chunk.toString('latin1').toUpperCase());
    });
    for (const event of ['end', 'error', 'close']) socket.on(event, () => events.push(event));
    connections.push({ socket, chunks, events });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const open = async () => {
    const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    closing.push(() => client.destroy());
    client.on('error', () => undefined);
    const before = connections.length;
    const connection = await waitFor(() => connections[before], { describe: 'the connection' });
    return { client, connection };
  };
  return { open, memory };
}

const ended = async ({ events }: Connection) =>
  await waitFor(() => events.includes('close'), { describe: 'the end of the connection' });
const textOf = ({ chunks }: Connection) => Buffer.concat(chunks).toString('latin1');

describe('reading an accepted connection into one buffer', () => {
  it('gives each connection what was sent on it, by turns and in order, out of the same memory', async () => {
    const { open, memory } = await startServer();
    const [one, other] = [await open(), await open()];
    const blocks = (name: string) =>
      Array.from({ length: 40 }, (_, number) => `${name} ${number}.`.repeat(10_000));
    for (const block of blocks('Ann')) one.client.write(block);
    for (const block of blocks('Bob')) other.client.write(block);
    one.client.end();
    other.client.end();
    await ended(one.connection);
    await ended(other.connection);
    expect(textOf(one.connection) === blocks('Ann').join('')).toBe(true);
    expect(textOf(other.connection) === blocks('Bob').join('')).toBe(true);
    expect(memory.size).toBe(1);
  });

  it('answers on it, and hears its end', async () => {
    const { open } = await startServer();
    const { client, connection } = await open();
    let heard = '';
    client.setEncoding('latin1').on('data', (text) => (heard += text));
    client.end('hello');
    await ended(connection);
    await waitFor(() => client.destroyed);
    expect(heard).toBe('HELLO');
    expect(connection.events).toEqual(['end', 'close']);
  });

  it('ends a connection that is broken off', async () => {
    const { open } = await startServer();
    const { client, connection } = await open();
    client.write('hello');
    await waitFor(() => connection.chunks.length > 0);
    client.resetAndDestroy();
    await ended(connection);
    expect(connection.events).toEqual(['error', 'close']);
  });
});
