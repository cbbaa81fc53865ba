import { buildReporting } from '../src/reporting/server.ts';
import { closeServer, type ListenOptions, listen } from './listen.ts';
import type { RoleContext, RunningRole } from './runtime.ts';

/**
 * The reporting role: serves the reports as pages and JSON. The pages ask nobody who they are: keep them on loopback or
 * behind a proxy that does.
 *
 * @throws InputError LISTEN_FAILED where the address cannot be listened on.
 */
export async function startReporting(
  { db, log }: RoleContext,
  { host, port }: ListenOptions,
): Promise<RunningRole> {
  const server = buildReporting({ db, log });
  const address = await listen(server, { host, port });
  const done = new Promise<void>((resolve) => server.server.once('close', resolve));
  return {
    address,
    done,
    async stop() {
      await closeServer(server);
      await done;
    },
  };
}
