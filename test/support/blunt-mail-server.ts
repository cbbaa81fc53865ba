import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface BluntMailServer {
  /** smtp://127.0.0.1:port */
  readonly url: string;
  /** Recipients of the messages it took, in order. */
  readonly accepted: readonly string[];
  /** Connections there have been so far. */
  readonly connections: number;
  close(): Promise<void>;
}

export interface BluntMailServerOptions {
  /** The reply with which it hangs up at RCPT; undefined takes the recipient. */
  readonly hangUpAt?: (address: string) => string | undefined;
  /** The command that it never answers. */
  readonly silentAt?: string;
  /** Says 554 to every message. */
  readonly refuseMessages?: boolean;
}

/**
 * A bare SMTP server, as impolite as some real ones: it hangs up on whoever names a recipient it does not like, or falls
 * silent in the middle.
 */
export async function startBluntMailServer(options: BluntMailServerOptions): Promise<BluntMailServer> {
  const accepted: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    converse(socket, options, accepted);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function converse(
  socket: Socket,
  { hangUpAt, silentAt, refuseMessages }: BluntMailServerOptions,
  accepted: string[],
): void {
  let unread = '';
  let recipient = '';
  let isData = false;
  const answer = (line: string) => {
    if (isData) {
      if (line !== '.') return;
      isData = false;
      if (refuseMessages !== true) accepted.push(recipient);
      socket.write(refuseMessages === true ? '554 5.7.1 no\r\n' : '250 2.0.0 taken\r\n');
    } else if (silentAt !== undefined && line.startsWith(silentAt)) {
      // Says nothing.
    } else if (line.startsWith('RCPT')) {
      recipient = /<(.*?)>/.exec(line)?.[1] ?? '';
      const farewell = hangUpAt?.(recipient);
      if (farewell === undefined) socket.write('250 2.1.5 fine\r\n');
      else socket.end(`${farewell}\r\n`);
    } else if (line === 'DATA') {
      isData = true;
      socket.write('354 go on\r\n');
    } else if (line === 'QUIT') socket.end('221 2.0.0 bye\r\n');
    else socket.write('250 fine\r\n');
  };
  socket.write('220 blunt\r\n');
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    unread += chunk;
    for (let at = unread.indexOf('\r\n'); at >= 0; at = unread.indexOf('\r\n')) {
      const line = unread.slice(0, at);
      unread = unread.slice(at + 2);
      if (!socket.writableEnded) answer(line);
    }
  });
}
