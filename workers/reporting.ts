import { isIPv6 } from 'node:net';
import { InputError } from '../src/domain/errors.ts';
import { buildReporting } from '../src/reporting/server.ts';
import type { RoleContext, RunningRole } from './runtime.ts';

export interface ReportingOptions {
  /** Address to listen on. The pages ask nobody who they are: keep it on loopback or behind a proxy that does. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/**
 * The reporting role: serves the reports as pages and JSON.
 *
 * @throws InputError LISTEN_FAILED where the address cannot be listened on.
 */
export async function startReporting(
  { db, log }: RoleContext,
  { host, port }: ReportingOptions,
): Promise<RunningRole> {
  const server = buildReporting({ db, log });
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
  const done = new Promise<void>((resolve) => server.server.once('close', resolve));
  return {
    address: `http://${isIPv6(host) ? `[${host}]` : host}:${boundPort}`,
    done,
    async stop() {
      await server.close();
      await done;
    },
  };
}
