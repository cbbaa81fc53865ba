import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire to a server. While it is silent its connections stay open, new ones are taken, and nothing passes on any. */
export interface Wire {
  /** Where it begins: 127.0.0.1:port. */
  readonly address: string;
  /** Connections that are open now. */
  readonly connections: number;
  fallSilent(): void;
  /** Falls silent as soon as a client says what this looks for, which does not pass any more. Settles then. */
  fallSilentAt(isReached: (said: string) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** @param target host:port of the server at its other end; without one it is silent from the start */
export async function startWire(target?: string): Promise<Wire> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let silent = target === undefined;
  let lookAt: ((said: string) => void) | undefined;
  const server = createServer((client) => {
    connections++;
    client.once('close', () => {
      connections--;
    });
    carry(client, undefined);
    if (target === undefined) return;
    const { hostname, port } = new URL(`tcp://${target}`);
    const upstream = connect(Number(port), hostname);
    carry(upstream, client);
    carry(client, upstream, (data) => lookAt?.(data.toString('latin1')));
  });
  const carry = (from: Socket, to: Socket | undefined, look?: (data: Buffer) => void) => {
    sockets.add(from);
    from.on('error', () => undefined);
    // Read also where it goes nowhere, so that an end is seen.
    from.on('data', (data) => {
      look?.(data);
      if (!silent) to?.write(data);
    });
    from.once('close', () => {
      sockets.delete(from);
      to?.destroy();
    });
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    fallSilent() {
      silent = true;
    },
    async fallSilentAt(isReached) {
      await new Promise<void>((resolve) => {
        lookAt = (said) => {
          if (!isReached(said)) return;
          silent = true;
          lookAt = undefined;
          resolve();
        };
      });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
