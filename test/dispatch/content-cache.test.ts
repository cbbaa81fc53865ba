import { describe, expect, it } from 'vitest';
import { defaultConfigSettings } from '../../src/config/exm-config.ts';
import { content, contentFile } from '../../src/db/schema.ts';
import { ContentCache } from '../../src/dispatch/content-cache.ts';
import { canonicalJson } from '../../src/message/canonical-json.ts';
import { fileReference } from '../../src/message/definition/campaign-files.ts';
import { contentHash } from '../../src/message/freeze/freeze-content.ts';
import { freeze, keys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();
const megabyte = 1024 * 1024;

/** Stores a frozen content with an attachment of so many bytes. @returns its hash */
async function storeContent(name: string, size: number): Promise<string> {
  const bytes = Buffer.alloc(size, name);
  const attachment = fileReference(`${name}.pdf`, bytes);
  const body = canonicalJson({ ...(await freeze()), attachments: [attachment] });
  const hash = contentHash(body);
  await database.db.insert(contentFile).values({ hash: attachment.hash, bytes });
  await database.db.insert(content).values({ hash, body });
  return hash;
}

describe('the contents that a dispatcher keeps', () => {
  it('hold no more than 16 MB of attachments of several campaigns, and of one whatever it has', async () => {
    const cache = new ContentCache(database.db, keys, defaultConfigSettings);
    const hashes: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) hashes.push(await storeContent(name, 7 * megabyte));
    for (const hash of hashes) await cache.load(hash);
    expect(cache.fileBytes).toBe(14 * megabyte);

    const large = await storeContent('large', 20 * megabyte);
    const loaded = await cache.load(large);
    expect(cache.fileBytes).toBe(20 * megabyte);
    expect((await cache.load(large)) === loaded).toBe(true);
  });

  it('are loaded again after they had to make room', async () => {
    const cache = new ContentCache(database.db, keys, defaultConfigSettings);
    const first = await storeContent('first', 9 * megabyte);
    const second = await storeContent('second', 9 * megabyte);
    const before = await cache.load(first);
    await cache.load(second);
    const again = await cache.load(first);
    // Not by toBe, which would write all bytes into its message.
    expect(again === before).toBe(false);
    expect([...again.files.values()].map(({ length }) => length)).toEqual([9 * megabyte]);
    expect(cache.fileBytes).toBe(9 * megabyte);
  });
});
