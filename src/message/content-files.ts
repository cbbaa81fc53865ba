import { createHash } from 'node:crypto';
import { inArray } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { contentFile } from '../db/schema.ts';
import { FailedError } from '../domain/errors.ts';
import type { FileReference, FrozenContent } from './content.ts';

/** Bytes of files by their hash. */
export type FileBytes = ReadonlyMap<string, Buffer>;

/** SHA-256, hexadecimal: the name under which a file's bytes are kept. */
export function fileHash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a message carries besides its bodies. */
type FilesOfContent = Pick<FrozenContent, 'attachments' | 'embedded'>;

/**
 * The bytes of a frozen content's attachments and embedded images, proven: each file that is read has its very hash.
 * @throws FailedError CONTENT_MISSING or CONTENT_ALTERED
 */
export async function loadFiles(
  db: Queries,
  { attachments = [], embedded = [] }: FilesOfContent,
): Promise<FileBytes> {
  const wanted = new Map<string, FileReference>(
    [...attachments, ...embedded].map((file) => [file.hash, file]),
  );
  if (wanted.size === 0) return new Map();
  const rows = await db
    .select({ hash: contentFile.hash, bytes: contentFile.bytes })
    .from(contentFile)
    .where(inArray(contentFile.hash, [...wanted.keys()]));
  const found = new Map(rows.map(({ hash, bytes }) => [hash, bytes]));
  for (const [hash, { name }] of wanted) {
    const bytes = found.get(hash);
    if (bytes === undefined) {
      throw new FailedError('CONTENT_MISSING', `The file "${name}" of this content is not in the database.`, {
        field: 'file hash',
        value: hash,
        hint: 'It is written when the campaign is created; create the campaign anew.',
      });
    }
    const actual = fileHash(bytes);
    if (actual === hash) continue;
    throw new FailedError(
      'CONTENT_ALTERED',
      `The file "${name}" stored as ${hash} has the hash ${actual}: it was altered.`,
      {
        field: 'file hash',
        value: hash,
        hint: 'Nothing of it is sent. Find out who writes to the table "content_file", then create the campaign anew.',
      },
    );
  }
  return found;
}
