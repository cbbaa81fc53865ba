import { createServer, type Socket } from 'node:net';
import { readConnection } from './read-connection.ts';
import { greeting, type ReceiverCounts, SmtpConversation } from './smtp-conversation.ts';

/** What the receiver is asked over its channel; it answers with its counts, first of all with `{ port }`. */
export type ReceiverRequest =
  | { readonly what: 'stats' }
  | { readonly what: 'reset' }
  | { readonly what: 'hold'; readonly held: boolean };

/**
 * The process of `exm bench`'s mail server: it takes every message on loopback, counts it, and forgets it.
 * It ends with its parent.
 */
const counts: ReceiverCounts = { messages: 0, bytes: 0, firstMs: 0, lastMs: 0, connections: 0 };
let held: { readonly socket: Socket; readonly answer: string }[] | undefined;

const server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
  counts.connections++;
  const conversation = new SmtpConversation(counts);
  const say = (answer: string) => {
    if (held === undefined) socket.write(answer, 'latin1');
    else held.push({ socket, answer });
  };
  const socket = readConnection(accepted, (chunk) => {
    const answer = conversation.take(chunk);
    if (answer !== '') say(answer);
    if (conversation.over) socket.end();
  });
  socket.on('error', () => socket.destroy());
  say(greeting);
});

process.on('message', (request: ReceiverRequest) => {
  if (request.what === 'reset') Object.assign(counts, { messages: 0, bytes: 0, firstMs: 0, lastMs: 0 });
  if (request.what === 'hold') {
    const kept = held ?? [];
    held = request.held ? kept : undefined;
    if (!request.held) for (const { socket, answer } of kept) socket.write(answer, 'latin1');
  }
  process.send?.(counts);
});
process.on('disconnect', () => process.exit());

server.listen({ host: '127.0.0.1', port: 0 }, () => {
  process.send?.({ port: (server.address() as { port: number }).port });
});
