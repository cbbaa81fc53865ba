import { connect, createServer, type Socket } from 'node:net';
import { closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';

/** A database behind a wire that a test can cut: connections break and new ones are refused until it is mended. */
export interface CuttableDatabase {
  readonly db: Database;
  /** For another process. */
  readonly url: string;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function cuttableDatabase(url: string): Promise<CuttableDatabase> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const through = Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).toString();
  const db = connectDatabase(through, { applicationName: 'exm test through a wire', max: 4 });
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    db,
    url: through,
    cut() {
      isCut = true;
      destroyAll();
    },
    mend() {
      isCut = false;
    },
    async close() {
      await closeDatabase(db);
      destroyAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
