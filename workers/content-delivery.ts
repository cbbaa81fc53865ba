import { join } from 'node:path';
import { CampaignContents } from '../src/tracking/campaign-contents.ts';
import { EventInbox } from '../src/tracking/event-inbox.ts';
import { HostedImages } from '../src/tracking/hosted-images.ts';
import { KeptUnsubscribes } from '../src/tracking/kept-unsubscribes.ts';
import { buildContentDelivery } from '../src/tracking/server.ts';
import { closeServer, type ListenOptions, listen } from './listen.ts';
import type { RoleContext, RunningRole } from './runtime.ts';

/** A stop waits so long for the database to take the events that are still in memory. Milliseconds. */
const stopPatienceMs = 10_000;

/**
 * The role content-delivery: serves opens, clicks, unsubscribe, preferences, forms to subscribe, view online and images. Any number of them may run behind one
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
  const { keys, sender } = settings;
  const kept = new KeptUnsubscribes({ dir: join(settings.journalDir, 'unsubscribes'), db, log });
  kept.watch();
  const delivery = { db, keys, log, contents, inbox, images, sender, kept };
  const server = buildContentDelivery(delivery, pathPrefix);
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
        await kept.close();
      } finally {
        ended();
      }
    },
  };
}
