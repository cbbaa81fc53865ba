import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import type { Database } from '../../src/db/connect.ts';
import { contact, contactList, dispatchQueue, listMember } from '../../src/db/schema.ts';
import { createLogger } from '../../src/logging.ts';
import { publishDispatchItems } from '../../src/message/freeze/deploy.ts';
import { CampaignContents } from '../../src/tracking/campaign-contents.ts';
import type { Delivery } from '../../src/tracking/delivery.ts';
import { EventInbox } from '../../src/tracking/event-inbox.ts';
import { HostedImages } from '../../src/tracking/hosted-images.ts';
import { makeToken } from '../../src/tracking/links/token.ts';
import { buildContentDelivery } from '../../src/tracking/server.ts';
import { baseUrl, definition, keys } from '../message/fixtures.ts';

export const log = createLogger('test');
log.level = 'silent';

/** A running content-delivery server over HTTP. */
export async function startDelivery(db: Database, pathPrefix = '', options: Partial<Delivery> = {}) {
  const inbox = new EventInbox(db, log);
  const contents = new CampaignContents(db, keys);
  const images = new HostedImages(db);
  const delivery: Delivery = { db, keys, log, inbox, contents, images, ...options };
  const server = buildContentDelivery(delivery, pathPrefix);
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    address,
    inbox,
    get: (path: string, init: RequestInit = {}) => fetch(address + path, { redirect: 'manual', ...init }),
    post: (path: string, body: string | Buffer | FormData, headers: Record<string, string> = {}) =>
      fetch(address + path, { method: 'POST', body, headers, redirect: 'manual' }),
    async close() {
      await server.close();
      await inbox.close(5_000);
    },
  };
}

export const links = [
  'https://shop.example/autumn?x=1&y=2',
  'https://shop.example/hello/{{ contact.firstName }}?city={{ contact.facets.city }}',
  '{{ contact.facets.site }}',
  'https://{{ contact.facets.branch }}.shop.example/',
];

/** A published campaign, and a person on its list who was queued for it. */
export async function publishedCampaign(db: Database) {
  const [list] = await db
    .insert(contactList)
    .values({ name: `customers ${Math.random()}` })
    .returning();
  const name = list?.name ?? '';
  const body = (word: string) => ({
    subject: word,
    template: {
      format: 'html' as const,
      file: 'mail.html',
      source: `<html><body><h1>${word} {{ contact.firstName }}</h1><script>1</script>${links.map((link) => `<a href="${link}">x</a>`).join('')}</body></html>`,
    },
  });
  const { id } = await createCampaign(
    db,
    definition({ include: [name], bodies: { en: body('Hello'), de: body('Hallo') } }),
  );
  await publishDispatchItems(db, id, baseUrl);
  let people = 0;
  return {
    id,
    listId: list?.id ?? 0,
    async person(change: Partial<typeof contact.$inferInsert> = {}) {
      people += 1;
      const position = people;
      const email = change.email ?? `p${Math.random()}@example.org`;
      const [row] = await db
        .insert(contact)
        .values({ email, emailKey: email, firstName: 'Ada', ...change })
        .returning();
      const contactId = row?.id ?? 0;
      await db.insert(listMember).values({ listId: list?.id ?? 0, contactId });
      await db
        .insert(dispatchQueue)
        .values({ campaignId: id, position, contactId, language: change.language ?? 'en' });
      return { contactId, email, position, token: makeToken({ campaignId: id, position, contactId }, keys) };
    },
  };
}
