import { CampaignContents } from '../src/tracking/campaign-contents.ts';
import { EventInbox } from '../src/tracking/event-inbox.ts';
import { HostedImages } from '../src/tracking/hosted-images.ts';
import { buildContentDelivery } from '../src/tracking/server.ts';
import { closeServer, type ListenOptions, listen } from './listen.ts';
import type { RoleContext, RunningRole } from './runtime.ts';

/** A stop waits so long for the database to take the events that are still in memory. Milliseconds. */
const stopPatienceMs = 10_000;

/**
 * The role content-delivery: serves opens, clicks, unsubscribe, view online and images. Any number of them may run behind one
 * public base URL.
 *
 * @throws InputError LISTEN_FAILED where the address cannot be listened on.
 */
export async function startContentDelivery(
  { db, settings, log }: RoleContext,
  { host, port }: ListenOptions,
): Promise<RunningRole> {
  const inbox = new EventInbox(db, log);
  const contents = new CampaignContents(db, settings.keys);
  const images = new HostedImages(db);
  const pathPrefix = new URL(settings.baseUrl).pathname.replace(/\/+$/, '');
  const server = buildContentDelivery({ db, keys: settings.keys, log, contents, inbox, images }, pathPrefix);
  const address = await listen(server, { host, port });
  let ended: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    ended = resolve;
  });
  return {
    address,
    done,
    async stop() {
      try {
        await closeServer(server);
        await inbox.close(stopPatienceMs);
      } finally {
        ended();
      }
    },
  };
}
