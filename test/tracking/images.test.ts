import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import { contact, contactList, contentFile, dispatchQueue } from '../../src/db/schema.ts';
import { fileHash } from '../../src/message/content-files.ts';
import { fileReference } from '../../src/message/definition/campaign-files.ts';
import { publishDispatchItems } from '../../src/message/freeze/deploy.ts';
import { HostedImages } from '../../src/tracking/hosted-images.ts';
import { makeToken } from '../../src/tracking/links/token.ts';
import { baseUrl, definition, keys } from '../message/fixtures.ts';
import { gif, jpeg, png, webp } from '../message/images.ts';
import { useTestDatabase } from '../support/database.ts';
import { cuttableDatabase } from './cuttable-database.ts';
import { startDelivery } from './fixtures.ts';

const page = Buffer.from('<script>alert(1)</script>');
const logo = fileHash(png);
const database = useTestDatabase();
let delivery: Awaited<ReturnType<typeof startDelivery>>;
let id: string;
beforeAll(async () => {
  await database.db.insert(contactList).values({ name: 'customers' });
  const html = `<body>${['a.png', 'b.gif', 'c.jpg', 'd.webp'].map((name) => `<img src="${name}">`).join('')}</body>`;
  const images = {
    'a.png': fileReference('a.png', png),
    'b.gif': fileReference('b.gif', gif),
    'c.jpg': fileReference('c.jpg', jpeg),
    'd.webp': fileReference('d.webp', webp),
  };
  ({ id } = await createCampaign(
    database.db,
    definition({ html, images, embedImages: true, attachments: [fileReference('page.html', page)] }),
    { files: [png, gif, jpeg, webp, page] },
  ));
  await publishDispatchItems(database.db, id, baseUrl);
  delivery = await startDelivery(database.db, '/mail');
});
afterAll(async () => {
  await delivery.close();
});

describe('an image of a campaign', () => {
  test.each([
    ['png', png, 'image/png'],
    ['gif', gif, 'image/gif'],
    ['jpg', jpeg, 'image/jpeg'],
    ['webp', webp, 'image/webp'],
  ])('is served as what it is, for ever and to everybody: %s', async (extension, bytes, type) => {
    for (const prefix of ['', '/mail']) {
      const response = await delivery.get(`${prefix}/i/${fileHash(bytes)}.${extension}`);
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': type,
        'content-length': String(bytes.length),
        'cache-control': 'public, max-age=31536000, immutable',
        etag: `"${fileHash(bytes)}"`,
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'cross-origin',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      });
      expect(response.headers.has('set-cookie')).toBe(false);
    }
  });

  test('is answered to HEAD and to whoever has it, without its bytes', async () => {
    const head = await delivery.get(`/i/${logo}.png`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(png.length)]);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    for (const tag of [`"${logo}"`, `W/"${logo}"`, `"other", "${logo}"`, '*']) {
      const response = await delivery.get(`/i/${logo}.png`, { headers: { 'if-none-match': tag } });
      expect([response.status, response.headers.get('etag')]).toEqual([304, `"${logo}"`]);
    }
    const other = await delivery.get(`/i/${logo}.png`, { headers: { 'if-none-match': '"other"' } });
    expect(other.status).toBe(200);
  });

  test('is nothing that somebody can have changed in the database', async () => {
    const bytes = Buffer.concat([gif, Buffer.from('one more')]);
    const hash = fileHash(bytes);
    await database.db.insert(contentFile).values({ hash, bytes: png });
    expect((await delivery.get(`/i/${hash}.gif`)).status).toBe(404);
    await database.db.update(contentFile).set({ bytes }).where(eq(contentFile.hash, hash));
    expect((await delivery.get(`/i/${hash}.gif`)).status).toBe(200);
  });

  test('is linked where the message is viewed online, whose browser knows no embedded ones', async () => {
    const [row] = await database.db
      .insert(contact)
      .values({ email: 'ada@example.org', emailKey: 'ada@example.org' })
      .returning();
    const contactId = row?.id ?? 0;
    await database.db
      .insert(dispatchQueue)
      .values({ campaignId: id, position: 1, contactId, language: 'en' });
    const html = await (
      await delivery.get(`/v/${makeToken({ campaignId: id, position: 1, contactId }, keys)}`)
    ).text();
    expect(html).toContain(`<img src="${baseUrl}/i/${logo}.png">`);
    expect(html).not.toContain('cid:');
  });
});

test.each([
  ['of a hash that no campaign has', `${'0'.repeat(64)}.png`],
  ['under the extension of another type', `${logo}.gif`],
  ['of an attachment that is no image', `${fileHash(page)}.png`],
  ['of an attachment under its own extension', `${fileHash(page)}.html`],
  ['without an extension', logo],
  ['in capitals', `${logo.toUpperCase()}.png`],
  ['with something before it', `x${logo}.png`],
  ['that is a path', `..%2f..%2fetc%2fpasswd`],
  ['that is too long', `${'a'.repeat(300)}.png`],
  ['of no name', ''],
])('an image %s is not found, and nobody keeps that answer', async (_what, file) => {
  const response = await delivery.get(`/i/${file}`);
  expect(response.status).toBe(404);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await response.text()).not.toContain('<script>');
});

test('images take only GET and HEAD', async () => {
  expect((await delivery.post(`/i/${logo}.png`, 'x')).status).toBe(404);
});

describe('what a process keeps of images', () => {
  test('answers many at once by one read, and while the database is away', async () => {
    const wire = await cuttableDatabase(database.url);
    const images = new HostedImages(wire.db);
    let reads = 0;
    const { query } = wire.db.$client;
    wire.db.$client.query = ((...args: unknown[]) => {
      reads++;
      return Reflect.apply(query, wire.db.$client, args);
    }) as typeof query;
    const found = await Promise.all(Array.from({ length: 200 }, () => images.find(logo)));
    expect(new Set(found.map((image) => image?.bytes.toString('hex')))).toEqual(
      new Set([png.toString('hex')]),
    );
    expect(reads).toBe(1);
    wire.cut();
    expect((await images.find(logo))?.type).toBe('image/png');
    await expect(images.find(fileHash(gif))).rejects.toThrow();
    wire.mend();
    expect((await images.find(fileHash(gif)))?.type).toBe('image/gif');
    await wire.close();
  });

  test('has a bound: what was asked for longest ago is read again', async () => {
    const images = new HostedImages(database.db, png.length + gif.length);
    const first = await images.find(logo);
    await images.find(fileHash(gif));
    expect(await images.find(logo)).toBe(first);
    await images.find(fileHash(jpeg));
    expect(await images.find(logo)).toBe(first);
    const read = await images.find(fileHash(gif));
    expect(await images.find(fileHash(gif))).toBe(read);
    expect(await images.find(fileHash(jpeg))).not.toBe(undefined);
  });

  test('is read by few at once: the rest are asked to come again', async () => {
    const images = new HostedImages(database.db);
    const asked = Array.from({ length: 40 }, (_, n) => images.find(String(n).padStart(64, '0')));
    const answers = await Promise.allSettled(asked);
    const busy = answers.filter(({ status }) => status === 'rejected');
    expect(busy).toHaveLength(24);
    expect(busy[0]).toMatchObject({ reason: { code: 'IMAGES_BUSY' } });
  });
});
