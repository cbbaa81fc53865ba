import { createHash } from 'node:crypto';
import { inArray, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { contentFile } from '../db/schema.ts';
import { FailedError, InputError } from '../domain/errors.ts';
import type { CampaignDefinition, FileReference, FrozenContent } from './content.ts';

/** Bytes of files by their hash. */
export type FileBytes = ReadonlyMap<string, Buffer>;

/** SHA-256, hexadecimal: the name under which a file's bytes are kept. */
export function fileHash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

type FilesOfDefinition = Pick<CampaignDefinition, 'attachments' | 'images'>;

/**
 * Stores the bytes of a campaign's files, each once, whichever campaign had them first.
 *
 * @param files bytes of the definition's files; what is stored already may be left out
 * @throws InputError FILE_BYTES_MISSING where the definition names a file that is in neither
 */
export async function storeFiles(
  tx: Queries,
  definition: FilesOfDefinition,
  files: Iterable<Buffer>,
): Promise<void> {
  const wanted = wantedFiles(definition);
  const given = new Map([...files].map((bytes) => [fileHash(bytes), bytes]));
  for (const [hash, bytes] of given) {
    if (wanted.has(hash)) await tx.insert(contentFile).values({ hash, bytes }).onConflictDoNothing();
  }
  const sizes = await storedSizes(tx, [...wanted.keys()]);
  for (const { hash, name, size } of wanted.values()) {
    if (sizes.get(hash) === size) continue;
    throw new InputError(
      'FILE_BYTES_MISSING',
      sizes.has(hash)
        ? `The file "${name}" has ${sizes.get(hash)} bytes, and the definition says ${size}.`
        : `The bytes of the file "${name}" were not given with the campaign.`,
      {
        field: 'files',
        value: hash,
        hint: 'Make the reference with fileReference(name, bytes), and give the same bytes in the option files.',
      },
    );
  }
}

/** The files of a definition whose bytes are not stored, or not as many as it says. */
export async function missingFiles(db: Queries, definition: FilesOfDefinition): Promise<FileReference[]> {
  const wanted = wantedFiles(definition);
  const sizes = await storedSizes(db, [...wanted.keys()]);
  return [...wanted.values()].filter(({ hash, size }) => sizes.get(hash) !== size);
}

function wantedFiles({ attachments = [], images = {} }: FilesOfDefinition): Map<string, FileReference> {
  return new Map([...attachments, ...Object.values(images)].map((file) => [file.hash, file]));
}

async function storedSizes(db: Queries, hashes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (hashes.length === 0) return new Map();
  const rows = await db
    .select({ hash: contentFile.hash, size: sql<number>`octet_length(${contentFile.bytes})` })
    .from(contentFile)
    .where(inArray(contentFile.hash, [...hashes]));
  return new Map(rows.map(({ hash, size }) => [hash, size]));
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
