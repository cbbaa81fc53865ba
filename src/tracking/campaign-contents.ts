import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import type { Keys } from '../config/keys.ts';
import type { Database } from '../db/connect.ts';
import { campaign } from '../db/schema.ts';
import { FailedError } from '../domain/errors.ts';
import type { FrozenContent } from '../message/content.ts';
import { loadContent } from '../message/freeze/deploy.ts';
import { withLinkedImages } from '../message/freeze/freeze-images.ts';
import { BodyRenderer } from '../message/render/render-body.ts';

/** A campaign's content is looked for again after so long, should it have been published again. Milliseconds. */
const freshMs = 30_000;
/** What is in memory answers where the database takes longer. Milliseconds. */
const patienceMs = 1_000;
/** Campaigns whose content is kept in memory. */
const keptMaximum = 100;

export interface CampaignContent {
  readonly hash: string;
  /** Its images are linked, for browsers. */
  readonly content: FrozenContent;
  readonly renderer: BodyRenderer;
}

interface Kept extends CampaignContent {
  readonly readAt: number;
}

/** Frozen contents by campaign. What is in memory answers also while the database is away. */
export class CampaignContents {
  readonly #db: Database;
  readonly #keys: Keys;
  readonly #kept = new Map<string, Kept>();

  constructor(db: Database, keys: Keys) {
    this.#db = db;
    this.#keys = keys;
  }

  /**
   * @returns undefined where the campaign does not exist, was never published, or its content is not what was published.
   * @throws the database's error where it does not answer and the content is not in memory.
   */
  async find(campaignId: string): Promise<CampaignContent | undefined> {
    const kept = this.#kept.get(campaignId);
    if (kept !== undefined && performance.now() - kept.readAt < freshMs) return kept;
    try {
      const read = this.#read(campaignId, kept);
      return await (kept === undefined
        ? read
        : Promise.race([read, sleep(patienceMs, kept, { ref: false })]));
    } catch (error) {
      if (error instanceof FailedError) return undefined;
      if (kept !== undefined) return kept;
      throw error;
    }
  }

  async #read(campaignId: string, kept: Kept | undefined): Promise<Kept | undefined> {
    const [row] = await this.#db
      .select({ hash: campaign.contentHash })
      .from(campaign)
      .where(eq(campaign.id, campaignId));
    this.#kept.delete(campaignId);
    if (row === undefined || row.hash === null) return undefined;
    const same = kept?.hash === row.hash ? kept : undefined;
    const content = same?.content ?? withLinkedImages(await loadContent(this.#db, row.hash));
    const renderer = same?.renderer ?? new BodyRenderer(content, this.#keys);
    const read = { hash: row.hash, content, renderer, readAt: performance.now() };
    this.#kept.set(campaignId, read);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > keptMaximum && oldest.done !== true) this.#kept.delete(oldest.value);
    return read;
  }
}
