import { readFileSync } from 'node:fs';
import { eq } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkPreconditions } from '../../src/campaigns/preconditions.ts';
import { contactList, contentFile } from '../../src/db/schema.ts';
import { createCampaign, fileReference } from '../../src/index.ts';
import { fileHash, loadFiles } from '../../src/message/content-files.ts';
import { useTestDatabase } from '../support/database.ts';
import { definition, keys } from './fixtures.ts';
import { png } from './images.ts';

const database = useTestDatabase();
const prices = Buffer.from('%PDF-1.7 prices of a campaign');
const priceList = Buffer.from('%PDF-1.7 prices');
const logo = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 10, 13]);
const reference = (bytes: Buffer, name: string, type: string) => ({
  hash: fileHash(bytes),
  name,
  type,
  size: bytes.length,
});
const attachments = [reference(priceList, 'prices.pdf', 'application/pdf')];
const embedded = [{ ...reference(logo, 'logo.png', 'image/png'), cid: 'logo@example.com' }];

beforeAll(async () => {
  await database.db.insert(contactList).values({ name: 'customers' });
  await database.db
    .insert(contentFile)
    .values([priceList, logo].map((bytes) => ({ hash: fileHash(bytes), bytes })));
});

describe('The files of a campaign', () => {
  const html = '<img src="logo.png"><a href="{{ unsubscribeUrl }}">x</a>';
  const withFiles = definition({
    html,
    attachments: [fileReference('prices.pdf', prices)],
    images: { 'logo.png': fileReference('logo.png', png) },
  });
  const stored = async () => {
    const rows = await database.db.select({ bytes: contentFile.bytes }).from(contentFile);
    return rows.map(({ bytes }) => bytes.toString('hex')).sort();
  };

  test('are stored with it, each once, and nothing that it does not name', async () => {
    const before = await stored();
    const other = Buffer.from('named nowhere');
    await createCampaign(database.db, withFiles, { files: [prices, png, png, other] });
    await createCampaign(database.db, withFiles, { files: [prices, png] });
    await createCampaign(database.db, withFiles);
    expect(await stored()).toEqual([...before, prices.toString('hex'), png.toString('hex')].sort());
  });

  test('stay for as long as a campaign names them, also by the query that cleans up', async () => {
    const [documented] =
      /delete from content_file[^;]*;/.exec(readFileSync('docs/templates.md', 'utf8')) ?? [];
    const left = Buffer.from('of a campaign that was deleted');
    await database.db.insert(contentFile).values({ hash: fileHash(left), bytes: left });
    await createCampaign(database.db, withFiles, { files: [prices, png] });
    await database.db.$client.query(documented ?? '');
    expect(await stored()).toEqual([prices.toString('hex'), png.toString('hex')].sort());
    const again = [priceList, logo].map((bytes) => ({ hash: fileHash(bytes), bytes }));
    await database.db.insert(contentFile).values(again);
  });

  test('keep it from starting where one of them was removed', async () => {
    const notes = Buffer.from('notes');
    const attachments = [fileReference('notes.txt', notes)];
    const { id } = await createCampaign(
      database.db,
      definition({ html, attachments, images: withFiles.images }),
      {
        files: [notes, png],
      },
    );
    const files = async () =>
      (
        await checkPreconditions(database.db, id, {
          baseUrl: 'http://127.0.0.1:1',
          keys,
          managerRoot: {},
          checkLinks: 'off',
        })
      ).failures.filter(({ condition }) => condition === 'files');
    expect(await files()).toEqual([]);
    await database.db.delete(contentFile).where(eq(contentFile.hash, fileHash(notes)));
    expect(await files()).toEqual([
      {
        condition: 'files',
        message: 'the file "notes.txt" is no longer in the database; create the campaign anew',
      },
    ]);
  });

  test('are not stored where the campaign is refused, which it is without their bytes', async () => {
    const before = await stored();
    const terms = Buffer.from('%PDF-1.7 terms');
    const attachments = [fileReference('terms.pdf', terms)];
    const refused = definition({ html, attachments, images: withFiles.images, include: ['nobody'] });
    await expect(createCampaign(database.db, refused, { files: [terms] })).rejects.toMatchObject({
      code: 'LIST_UNKNOWN',
    });
    const lacking = definition({ html, attachments, images: withFiles.images });
    await expect(createCampaign(database.db, lacking)).rejects.toMatchObject({
      code: 'FILE_BYTES_MISSING',
      message: 'The bytes of the file "terms.pdf" were not given with the campaign.',
    });
    const lying = definition({ attachments: [{ ...fileReference('prices.pdf', prices), size: 5 }] });
    await expect(createCampaign(database.db, lying)).rejects.toMatchObject({
      code: 'FILE_BYTES_MISSING',
      message: `The file "prices.pdf" has ${prices.length} bytes, and the definition says 5.`,
    });
    expect(await stored()).toEqual(before);
  });
});

describe('The files of frozen content', () => {
  test('are loaded byte for byte, attachments and embedded images', async () => {
    const files = await loadFiles(database.db, { attachments, embedded });
    expect([...files.keys()].sort()).toEqual([fileHash(priceList), fileHash(logo)].sort());
    expect(files.get(fileHash(logo))).toEqual(logo);
    expect(files.get(fileHash(priceList))).toEqual(priceList);
    expect((await loadFiles(database.db, {})).size).toBe(0);
  });

  test('are not sent where one of them is missing', async () => {
    const lost = reference(Buffer.from('lost'), 'terms.pdf', 'application/pdf');
    await expect(loadFiles(database.db, { attachments: [...attachments, lost] })).rejects.toMatchObject({
      code: 'CONTENT_MISSING',
      retryable: false,
      value: lost.hash,
      message: expect.stringContaining('"terms.pdf"'),
    });
  });

  test('are not sent where one of them was altered', async () => {
    const bytes = Buffer.from('%PDF-1.7 other prices');
    const { hash } = reference(priceList, '', '');
    await database.db.update(contentFile).set({ bytes }).where(eq(contentFile.hash, hash));
    await expect(loadFiles(database.db, { attachments, embedded })).rejects.toMatchObject({
      code: 'CONTENT_ALTERED',
      message: expect.stringContaining(fileHash(bytes)),
    });
  });
});
