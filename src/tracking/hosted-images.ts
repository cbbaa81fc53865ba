import { eq } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { contentFile } from '../db/schema.ts';
import { UnavailableError } from '../domain/errors.ts';
import { fileHash } from '../message/content-files.ts';
import { type ImageType, imageTypeOf } from '../message/definition/file-types.ts';

/** Bytes of images that a process keeps in memory. */
const keptMaximumBytes = 67_108_864;
/** Images that are read from the database at once; more are asked for again. Opens and clicks need it too. */
const readsMaximum = 16;

export interface HostedImage {
  readonly bytes: Buffer;
  readonly type: ImageType;
}

/**
 * The images of campaigns by their hash. Each is read once, however many ask for it at the same time, and those asked for
 * last stay in memory: they never change, and answer also while the database is away.
 */
export class HostedImages {
  readonly #kept = new Map<string, HostedImage>();
  readonly #reads = new Map<string, Promise<HostedImage | undefined>>();
  #keptBytes = 0;

  constructor(
    private readonly db: Database,
    private readonly maximumBytes = keptMaximumBytes,
  ) {}

  /**
   * @returns undefined where no campaign has an image with this hash, or its bytes were altered
   * @throws UnavailableError IMAGES_BUSY where too many are being read, and the database's error where it does not answer
   */
  async find(hash: string): Promise<HostedImage | undefined> {
    const kept = this.#kept.get(hash);
    if (kept !== undefined) {
      this.#kept.delete(hash);
      this.#kept.set(hash, kept);
      return kept;
    }
    const reading = this.#reads.get(hash);
    if (reading !== undefined) return await reading;
    if (this.#reads.size >= readsMaximum)
      throw new UnavailableError('IMAGES_BUSY', 'Too many images are being read from the database at once.');
    const read = this.#read(hash).finally(() => this.#reads.delete(hash));
    this.#reads.set(hash, read);
    return await read;
  }

  async #read(hash: string): Promise<HostedImage | undefined> {
    const [row] = await this.db
      .select({ bytes: contentFile.bytes })
      .from(contentFile)
      .where(eq(contentFile.hash, hash));
    if (row === undefined || fileHash(row.bytes) !== hash) return undefined;
    const { bytes } = row;
    const type = imageTypeOf(bytes);
    if (type === undefined) return undefined;
    const image = { bytes, type };
    this.#keep(hash, image);
    return image;
  }

  #keep(hash: string, image: HostedImage): void {
    this.#kept.set(hash, image);
    this.#keptBytes += image.bytes.length;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#keptBytes <= this.maximumBytes) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= bytes.length;
    }
  }
}
