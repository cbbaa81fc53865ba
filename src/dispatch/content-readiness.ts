import { eq, inArray } from 'drizzle-orm';
import type { ResolvedConfig } from '../config/exm-config.ts';
import type { Database } from '../db/connect.ts';
import { campaign, server } from '../db/schema.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import type { SendBatchInput } from '../domain/dispatch.ts';
import { messageOf } from '../domain/error-message.ts';
import { FailedError, UnavailableError } from '../domain/errors.ts';
import type { Logger } from '../logging.ts';
import type { ContentCache, LoadedContent } from './content-cache.ts';
import { recentDispatchers, whyNoneIsReady } from './dispatchers.ts';
import { requireProcessors } from './processors.ts';

/** What has just been looked at is not looked at again for the next batch. Milliseconds. */
const freshMs = 1_000;
/** A campaign that cannot be sent is looked at again so often, also while nobody gives out its batches. Milliseconds. */
const recheckIntervalMs = 15_000;

export interface ContentReadinessOptions {
  readonly db: Database;
  /** Name of this server. */
  readonly server: string;
  readonly pool: string;
  readonly log: Logger;
  readonly contents: ContentCache;
  readonly processors: ResolvedConfig['processors'];
}

type WantedContent = Pick<SendBatchInput, 'contentHash' | 'sendEmail'>;

interface Unready extends WantedContent {
  readonly error: FailedError;
  /** Monotonic time, milliseconds. */
  readonly lookedAt: number;
}

/**
 * Whether this server can send a campaign: it has the content, unaltered and in a form that it knows, and every step of
 * SendEmail. What it cannot send it leaves to other dispatchers of the pool, and says why in the table of servers.
 */
export class ContentReadiness {
  private readonly unready = new Map<string, Unready>();
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ContentReadinessOptions) {}

  /**
   * The content of a batch.
   * @throws UnavailableError BATCH_HANDED_BACK where this server cannot send it and another one may
   * @throws FailedError DISPATCHERS_UNREADY where no dispatcher of the pool can, nor one that was there a minute ago
   */
  async require(input: SendBatchInput): Promise<LoadedContent> {
    const { campaignId } = input;
    const known = this.unready.get(campaignId);
    if (known?.contentHash === input.contentHash && performance.now() - known.lookedAt < freshMs)
      throw this.handedBack(known.error);
    try {
      const content = await this.look(input);
      if (known !== undefined) await this.forget([campaignId]);
      return content;
    } catch (error) {
      if (!(error instanceof FailedError)) throw error;
      const { contentHash, sendEmail } = input;
      this.unready.set(campaignId, { contentHash, sendEmail, error, lookedAt: performance.now() });
      if (known?.error.message !== error.message) {
        this.options.log.warn(
          { campaignId, code: error.code, reason: error.message },
          'cannot send a campaign',
        );
      }
      // Before the others are asked: where two say so at the same time, the later one sees both.
      await this.write();
      const none = whyNoneIsReady(await recentDispatchers(this.options.db, this.options.pool), campaignId);
      if (none === null) throw this.handedBack(error);
      throw new FailedError(
        'DISPATCHERS_UNREADY',
        `No live dispatcher of the pool "${this.options.pool}" can send this campaign. ${none}`,
        { field: error.field, hint: error.hint, cause: error },
      );
    }
  }

  /** Looks again, from now on, at what cannot be sent: its reason may have gone, or the campaign ended. */
  watch(): void {
    this.timer = setInterval(() => void this.recheck(), recheckIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Never rejects: what cannot be looked at now is looked at later. */
  async recheck(): Promise<void> {
    try {
      const ids = [...this.unready.keys()];
      if (ids.length === 0) return;
      const rows = await this.options.db
        .select({ id: campaign.id, state: campaign.state, contentHash: campaign.contentHash })
        .from(campaign)
        .where(inArray(campaign.id, ids));
      const gone: string[] = [];
      for (const [id, unready] of this.unready) {
        const row = rows.find((one) => one.id === id);
        const isWanted = row?.contentHash === unready.contentHash && !hasEnded(row.state);
        if (!isWanted || (await this.canSend(unready))) gone.push(id);
      }
      if (gone.length > 0) await this.forget(gone);
    } catch (error) {
      this.options.log.warn({ err: messageOf(error) }, 'what cannot be sent could not be looked at again');
    }
  }

  private async canSend(wanted: WantedContent): Promise<boolean> {
    try {
      await this.look(wanted);
      return true;
    } catch (error) {
      if (error instanceof FailedError) return false;
      throw error;
    }
  }

  /** @throws FailedError where this server cannot send it */
  private async look({ contentHash, sendEmail }: WantedContent): Promise<LoadedContent> {
    const content = await this.options.contents.load(contentHash);
    requireProcessors(this.options.processors, sendEmail);
    return content;
  }

  private async forget(campaignIds: readonly string[]): Promise<void> {
    for (const id of campaignIds) this.unready.delete(id);
    await this.write();
  }

  /** One write at a time: what is written last is what was known last. */
  private async write(): Promise<void> {
    const written = this.writing.then(async () => {
      const unready = Object.fromEntries([...this.unready].map(([id, { error }]) => [id, error.message]));
      await this.options.db.update(server).set({ unready }).where(eq(server.name, this.options.server));
    });
    this.writing = written.catch(() => undefined);
    await written;
  }

  private handedBack(error: FailedError): UnavailableError {
    return new UnavailableError(
      'BATCH_HANDED_BACK',
      `${this.options.server} leaves this batch to another dispatcher: ${error.message}`,
      { field: error.field, hint: error.hint, cause: error },
    );
  }
}
