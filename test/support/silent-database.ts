import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ConnectOptions, closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';

/** A database behind a wire whose connections a test can let fall silent, as a failed-over server's do. */
export interface SilentDatabase {
  readonly db: Database;
  /** For another process. */
  readonly url: string;
  /** From now on nothing passes on the connections there are, which stay open. New ones work. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function silentDatabase(
  url: string,
  options: Pick<ConnectOptions, 'queryTimeoutMs'> = {},
): Promise<SilentDatabase> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let generation = 0;
  const server = createServer((client) => {
    const born = generation;
    const upstream = connect(Number(target.port), target.hostname);
    const carry = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (data) => {
        if (born === generation) to.write(data);
      });
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    };
    carry(client, upstream);
    carry(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const through = Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).toString();
  const db = connectDatabase(through, {
    applicationName: 'exm test through a silent wire',
    max: 4,
    ...options,
  });
  return {
    db,
    url: through,
    fallSilent: () => void generation++,
    async close() {
      // First the wire: a query that waits for an answer would keep the pool from ending.
      for (const socket of sockets) socket.destroy();
      await closeDatabase(db);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
