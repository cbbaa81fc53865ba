import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentFile } from '../../src/db/schema.ts';
import { fileHash, loadFiles } from '../../src/message/content-files.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
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
  database = await createTestDatabase();
  await database.db
    .insert(contentFile)
    .values([priceList, logo].map((bytes) => ({ hash: fileHash(bytes), bytes })));
});
afterAll(() => database.drop());

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
