import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import { checkPreconditions } from '../../src/campaigns/preconditions.ts';
import { campaign, contactList } from '../../src/db/schema.ts';
import { definition, keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { startDelivery } from '../tracking/fixtures.ts';

const database = useTestDatabase();
let servers: Server[];
let baseUrl: string;
let shop: string;
beforeAll(async () => {
  await database.db.insert(contactList).values({ name: 'customers' });
  servers = [200, 410].map((status) => createServer((_, response) => response.writeHead(status).end()));
  const [own = '', other = ''] = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  baseUrl = own;
  shop = other;
});
afterAll(async () => {
  for (const server of servers) server.close();
});

const html = () => `<a href="${shop}/autumn">Shop</a> <a href="{{ unsubscribeUrl }}">Unsubscribe</a>`;
const check = async (id: string, checkLinks: 'warn' | 'refuse' | 'off') => {
  const { failures, warnings } = await checkPreconditions(database.db, id, {
    baseUrl,
    keys,
    managerRoot: {},
    checkLinks,
  });
  const content = (found: typeof failures) => found.filter(({ condition }) => condition === 'content');
  return { failures: content(failures), warnings: content(warnings) };
};

describe('the content of a campaign that is started', () => {
  test('has its links asked for: a dead one is a warning, refuses the start, or is not looked at, as is set', async () => {
    const { id } = await createCampaign(database.db, definition({ html: html() }));
    const dead = [
      {
        condition: 'content',
        message: `mail.html:1:4: the link ${shop}/autumn is dead: its server answers 410, there is no such page.`,
      },
    ];
    expect(await check(id, 'warn')).toEqual({ failures: [], warnings: dead });
    expect(await check(id, 'refuse')).toEqual({ failures: dead, warnings: [] });
    expect(await check(id, 'off')).toEqual({ failures: [], warnings: [] });
  });

  test('is checked again: every error refuses it, and warnings are told', async () => {
    const { id } = await createCampaign(database.db, definition({ html: html() }));
    const wrong = definition({
      html: '<a href="/a">a</a>\n<a href="/b">b</a> {{ nothing }}<img src="https://a.example/">',
    });
    await database.db.update(campaign).set({ definition: wrong }).where(eq(campaign.id, id));
    const { failures, warnings } = await check(id, 'off');
    expect(failures.map(({ message }) => message.split(': ')[0])).toEqual([
      'mail.html:1:4',
      'mail.html:2:4',
      'mail.html:2:23',
    ]);
    expect(warnings.map(({ message }) => message.split(': ')[0])).toEqual([
      'mail.html:1:1',
      'mail.html:2:33',
    ]);
  });
});

describe('the links of a campaign that is started', () => {
  const why = async (url: string, made = keys) => {
    const { id } = await createCampaign(database.db, definition());
    const { failures } = await checkPreconditions(database.db, id, {
      baseUrl: url,
      keys: made,
      managerRoot: {},
      checkLinks: 'off',
    });
    return failures.flatMap(({ condition, message }) => (condition === 'links' ? [message] : []));
  };

  test('are asked for as a recipient would: by other keys they are unknown, and what takes any is not ours', async () => {
    const delivery = await startDelivery(database.db);
    try {
      expect(await why(delivery.address)).toEqual([]);
      expect(await why(delivery.address, otherKeys)).toEqual([
        expect.stringContaining('does not know the unsubscribe links that are made here'),
      ]);
    } finally {
      await delivery.close();
    }
    expect(await why(delivery.address)).toEqual([
      expect.stringMatching(/does not answer at .*: connect ECONNREFUSED 127/),
    ]);
    expect(await why(baseUrl)).toEqual([
      expect.stringContaining('is not content-delivery: a forged link gets 200'),
    ]);
  });

  test('work behind a proxy that has an answer of its own for what is not found', async () => {
    const delivery = await startDelivery(database.db);
    const proxy = createServer(async ({ url }, response) => {
      const { status } = await fetch(delivery.address + url);
      response.writeHead(status === 404 ? 403 : status).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      expect(await why(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)).toEqual([]);
    } finally {
      proxy.close();
      await delivery.close();
    }
  });
});
