import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { InputError } from '../src/domain/errors.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** @param flag the one that gave the address */
export function listenFailed(flag: string, { host, port }: ListenOptions, cause: unknown): InputError {
  return new InputError('LISTEN_FAILED', `Cannot listen on ${host}:${port}: ${(cause as Error).message}`, {
    field: flag,
    value: `${host}:${port}`,
    hint: 'Choose an address of this host and a port that is free.',
    cause,
  });
}

/**
 * Lets a server listen. @returns where it does, as a URL
 *
 * @throws InputError LISTEN_FAILED where the address cannot be listened on
 */
export async function listen(
  server: Pick<FastifyInstance, 'listen' | 'server'>,
  { host, port }: ListenOptions,
): Promise<string> {
  try {
    await server.listen({ host, port });
  } catch (cause) {
    throw listenFailed('--listen', { host, port }, cause);
  }
  const bound = server.server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${boundPort}`;
}

/** A stop waits so long for requests that are on their way, milliseconds: a browser may never finish sending one. */
const requestPatienceMs = 10_000;

/** Takes no more requests, and answers those that have come. */
export async function closeServer(server: Pick<FastifyInstance, 'close' | 'server'>): Promise<void> {
  const late = setTimeout(() => server.server.closeAllConnections(), requestPatienceMs);
  try {
    await server.close();
  } finally {
    clearTimeout(late);
  }
}
