import type { AddressInfo } from 'node:net';
import { readSettings } from '../config/settings.ts';
import { connectDatabase } from '../db/connect.ts';
import { createLogger } from '../logging.ts';
import { CampaignContents } from '../tracking/campaign-contents.ts';
import { EventInbox } from '../tracking/event-inbox.ts';
import { HostedImages } from '../tracking/hosted-images.ts';
import { buildContentDelivery } from '../tracking/server.ts';

/** Takes every event, and forgets it. */
class NoInbox extends EventInbox {
  override async store(): Promise<void> {}
}

/**
 * content-delivery in all but that it stores no event: what storing costs is measured against it. It is sent the
 * environment of an installation, answers with its port, and ends with its parent.
 */
process.once('message', async (env: Readonly<Record<string, string>>) => {
  const { databaseUrl, keys } = readSettings(env);
  const log = createLogger('content-delivery without store');
  const db = connectDatabase(databaseUrl, { applicationName: 'exm bench without store' });
  const contents = new CampaignContents(db, keys);
  const server = buildContentDelivery({
    db,
    keys,
    log,
    contents,
    inbox: new NoInbox(db, log),
    images: new HostedImages(db),
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  process.send?.({ port: (server.server.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit());
