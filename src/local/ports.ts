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

/**
 * One port for each name: the one it had before, else the preferred one, else any that is free. A port is never
 * given to two names.
 */
export async function choosePorts<Name extends string>(
  preferred: Readonly<Record<Name, number>>,
  before?: Readonly<Partial<Record<Name, number>>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(preferred) as Name[];
  const taken = new Set<number>();
  const chosen: Partial<Record<Name, number>> = {};
  for (const source of [before, preferred]) {
    for (const name of names) {
      const port = source?.[name];
      if (chosen[name] !== undefined || port === undefined || taken.has(port)) continue;
      if (!(await isPortFree(port))) continue;
      chosen[name] = port;
      taken.add(port);
    }
  }
  const missing = names.filter((name) => chosen[name] === undefined);
  const candidates = (await freePorts(missing.length + taken.size)).filter((port) => !taken.has(port));
  for (const [index, name] of missing.entries()) chosen[name] = candidates[index] ?? 0;
  return chosen as Record<Name, number>;
}
