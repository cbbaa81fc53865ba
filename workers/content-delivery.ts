import { isIPv6 } from 'node:net';
import { InputError } from '../src/domain/errors.ts';
import { CampaignContents } from '../src/tracking/campaign-contents.ts';
import { EventInbox } from '../src/tracking/event-inbox.ts';
import { buildContentDelivery } from '../src/tracking/server.ts';
import type { RoleContext, RunningRole } from './runtime.ts';

export interface ContentDeliveryOptions {
  /** Address to listen on, 127.0.0.1 unless a proxy on another host is in front. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** A stop waits so long for the database to take the events that are still in memory. Milliseconds. */
const stopPatienceMs = 10_000;

/**
 * The role content-delivery: serves opens, clicks, unsubscribe and view online. Any number of them may run behind one
 * public base URL.
 *
 * @throws InputError LISTEN_FAILED where the address cannot be listened on.
 */
export async function startContentDelivery(
  { db, settings, log }: RoleContext,
  { host, port }: ContentDeliveryOptions,
): Promise<RunningRole> {
  const inbox = new EventInbox(db, log);
  const contents = new CampaignContents(db, settings.keys);
  const pathPrefix = new URL(settings.baseUrl).pathname.replace(/\/+$/, '');
  const server = buildContentDelivery({ db, keys: settings.keys, log, contents, inbox }, pathPrefix);
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
  let ended: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    ended = resolve;
  });
  return {
    address: `http://${isIPv6(host) ? `[${host}]` : host}:${boundPort}`,
    done,
    async stop() {
      try {
        await server.close();
        await inbox.close(stopPatienceMs);
      } finally {
        ended();
      }
    },
  };
}
