import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { InputError } from '../src/domain/errors.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
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
    throw new InputError('LISTEN_FAILED', `Cannot listen on ${host}:${port}: ${(cause as Error).message}`, {
      field: '--listen',
      value: `${host}:${port}`,
      hint: 'Choose an address of this host and a port that is free.',
      cause,
    });
  }
  const bound = server.server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${boundPort}`;
}
