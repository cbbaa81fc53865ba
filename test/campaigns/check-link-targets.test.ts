import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkLinkTargets, type LinkTargetOptions } from '../../src/campaigns/check-link-targets.ts';
import { mayAsk } from '../../src/campaigns/public-address.ts';
import { waitFor } from '../support/wait-for.ts';

let server: Server;
let origin: string;
const asked: string[] = [];
const hungUp: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path}`);
    response.on('close', () => hungUp.push(path));
    const status = /^\/(\d+)/.exec(path)?.[1];
    if (status !== undefined) response.writeHead(Number(status)).end('x');
    else if (path === '/moved') response.writeHead(302, { location: '/404/moved' }).end();
    else if (path === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (path === '/elsewhere') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    else if (path === '/large') {
      response.writeHead(200);
      const write = () => response.write('x'.repeat(65_536), (error) => !error && setImmediate(write));
      write();
    }
    // Others are never answered.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const local = 'http://127.0.0.1:9';
const check = (addresses: readonly string[], change: Partial<LinkTargetOptions> = {}) =>
  checkLinkTargets(
    addresses.map((address, index) => ({ address, where: `a.html:${index + 1}:1` })),
    { baseUrl: local, values: {}, managerRoot: {}, deadLinks: 'warning', patienceMs: 60_000, ...change },
  );

describe('the pages that links lead to', () => {
  test('are dead where their server says so, also behind a redirect', async () => {
    const paths = ['/200', '/404', '/410', '/moved', '/403', '/429', '/999', '/elsewhere'];
    const found = await check(paths.map((path) => origin + path));
    expect(found.sort((a, b) => a.where.localeCompare(b.where))).toMatchObject([
      {
        severity: 'warning',
        code: 'LINK_DEAD',
        where: 'a.html:2:1',
        message: `the link ${origin}/404 is dead: its server answers 404, there is no such page.`,
      },
      { severity: 'warning', code: 'LINK_DEAD', where: 'a.html:3:1' },
      { severity: 'warning', code: 'LINK_DEAD', where: 'a.html:4:1' },
    ]);
    expect(asked).toContain('GET /404/moved');
    expect(await check([`${origin}/404`], { deadLinks: 'error' })).toMatchObject([{ severity: 'error' }]);
  });

  test('are never more than a warning where their server is away, ill or turns in circles', async () => {
    const found = await check([`${origin}/503`, 'http://127.0.0.1:1/', `${origin}/loop`], {
      deadLinks: 'error',
    });
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(
      Array.from({ length: 3 }, () => 'warning LINK_UNREACHABLE'),
    );
  });

  test('are not waited for longer than is allowed, and what was not looked at is said', async () => {
    const links = Array.from({ length: 30 }, (_, index) => `${origin}/never/${index}`);
    const found = await check(links, { patienceMs: 300 });
    expect(found.filter(({ code }) => code === 'LINK_UNREACHABLE')).toHaveLength(8);
    expect(found).toContainEqual(
      expect.objectContaining({
        code: 'LINK_UNCHECKED',
        message: expect.stringMatching(/^22 links were not/),
      }),
    );
  });

  test('are not read: the connection ends with the head of the answer', async () => {
    expect(await check([`${origin}/large`])).toEqual([]);
    await waitFor(async () => hungUp.includes('/large'));
  });

  test('are asked for once each, and not where a link is our own, of a contact, or an example', async () => {
    const found = await check(
      [
        `${origin}/200/a`,
        `${origin}/200/a`,
        `${origin}/200/{{ campaign.values.season }}/{{ managerRoot.shop | downcase }}`,
        `${origin}/404/{{ contact.firstName }}`,
        `${origin}/404/{% if contact.plan %}a{% endif %}`,
        `${origin}/404/{{ campaign.id }}`,
        `${local}/u/token`,
        '{{ contact.facets.site }}',
        '{{ managerRoot.nothing }}',
        'https://shop.fennel-slate.example/404',
        'https://www.example.com/404',
      ],
      { values: { season: 'autumn' }, managerRoot: { shop: 'SHOP' } },
    );
    expect(found).toEqual([]);
    expect(asked.sort()).toEqual(['GET /200/a', 'GET /200/autumn/shop']);
    // The port of another server begins with that of ours.
    const ours = origin.slice(0, -1);
    expect(await check([`${origin}/404`], { baseUrl: ours })).toMatchObject([{ code: 'LINK_DEAD' }]);
  });
});

describe('addresses of our own network', () => {
  test('are not asked by an installation that is public, however they are written', async () => {
    const port = new URL(origin).port;
    const links = ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'].map(
      (host) => `http://${host}:${port}/404`,
    );
    for (const baseUrl of ['https://mail.example.com', undefined]) {
      const found = await check(links, { baseUrl });
      expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(
        links.map(() => 'warning LINK_PRIVATE'),
      );
    }
    expect(asked).toEqual([]);
  });

  test.each([
    ['8.8.8.8', true, true],
    ['2606:4700:4700::1111', true, true],
    ['127.0.0.1', false, true],
    ['10.1.2.3', false, true],
    ['172.31.0.1', false, true],
    ['192.168.1.1', false, true],
    ['::1', false, true],
    ['fd00::1', false, true],
    ['169.254.169.254', false, false],
    ['0.0.0.0', false, false],
    ['100.64.0.1', false, false],
    ['224.0.0.1', false, false],
    ['255.255.255.255', false, false],
    ['::', false, false],
    ['::ffff:10.0.0.1', false, false],
    ['64:ff9b::a9fe:a9fe', false, false],
    ['2002:7f00:1::', false, false],
    ['fe80::1', false, false],
    ['ff02::1', false, false],
    ['localhost', false, false],
  ])('%s may be asked: %s, and by an installation on this machine: %s', (address, byAll, byLocal) => {
    expect([mayAsk(address, false), mayAsk(address, true)]).toEqual([byAll, byLocal]);
  });
});
