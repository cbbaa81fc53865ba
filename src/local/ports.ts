import { createServer } from 'node:net';

const loopback = '127.0.0.1';

/** Whether a listener could be opened on this port of the loopback interface now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: loopback, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Ports that nobody listens on at this moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  // Held open together, so that the system cannot hand out the same one twice.
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen({ host: loopback, port: 0 }, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP listener has a port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The first of `wanted` that is free and not among `taken`; else any free one. */
export async function choosePort(
  wanted: readonly (number | undefined)[],
  taken: ReadonlySet<number> = new Set(),
): Promise<number> {
  for (const port of wanted) {
    if (port !== undefined && !taken.has(port) && (await isPortFree(port))) return port;
  }
  const free = await freePorts(taken.size + 1);
  const port = free.find((candidate) => !taken.has(candidate));
  if (port === undefined) throw new TypeError('more free ports than taken ones were asked for');
  return port;
}
