import type { Environment } from '../src/config/environment.ts';
import { storageRefused } from '../src/db/storage-refused.ts';
import { messageOf } from '../src/domain/error-message.ts';
import type { Logger } from '../src/logging.ts';
import { connectClient } from '../src/temporal/client-connection.ts';
import { holdCampaign } from '../src/temporal/hold-campaign.ts';

/** A refusal that has lasted so long does not pass by itself: another query's temporary files would be gone. Milliseconds. */
const lastingMs = 2_000;
/** Without a refusal for so long there is room again: flushes are tried every half second. Milliseconds. */
const mendedAfterMs = 5_000;
/** While it lasts it is told so often: a person may have resumed the campaign, or Temporal was away. Milliseconds. */
const tellIntervalMs = 5_000;

export interface StorageWatchOptions {
  readonly env: Environment;
  /** Name of this server. */
  readonly server: string;
  readonly log: Logger;
  /** Says `ok`, or what is wrong, in the table of servers. */
  readonly setHealth: (health: string) => Promise<void>;
}

interface Spell {
  readonly since: number;
  readonly campaignIds: Set<string>;
  /** Those that were signalled. */
  readonly told: Set<string>;
  lastAt: number;
  reason: string;
  toldAt: number;
}

/**
 * A database that has no room takes no outcomes, and often no word about it either. So the dispatcher that meets it
 * pauses the campaigns it is sending by way of Temporal, with the reason, and says it as its health. What it could not
 * record waits in the recorder.
 */
export class StorageWatch {
  private spell: Spell | undefined;
  private telling = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: StorageWatchOptions) {}

  /** A flush failed. Errors of other kinds are none of this one's business. */
  refused(error: unknown, campaignIds: ReadonlySet<string>): void {
    const refusal = storageRefused(error);
    if (refusal === undefined) return;
    const now = performance.now();
    this.spell ??= {
      since: now,
      campaignIds: new Set(),
      told: new Set(),
      lastAt: now,
      reason: '',
      toldAt: Number.NEGATIVE_INFINITY,
    };
    const { spell } = this;
    spell.lastAt = now;
    spell.reason = `${refusal.message} ${refusal.hint} (${refusal.code})`;
    for (const id of campaignIds) spell.campaignIds.add(id);
    this.timer ??= setInterval(() => this.look(), 1_000).unref();
    if (now - spell.since >= lastingMs && now - spell.toldAt >= tellIntervalMs) void this.tell(spell);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    if (this.spell !== undefined && performance.now() - this.spell.lastAt < mendedAfterMs) return;
    this.spell = undefined;
    this.stop();
    this.options.setHealth('ok').catch(() => undefined);
  }

  private async tell(spell: Spell): Promise<void> {
    if (this.telling) return;
    this.telling = true;
    spell.toldAt = performance.now();
    try {
      await Promise.allSettled([this.options.setHealth(spell.reason), this.hold(spell)]);
    } finally {
      this.telling = false;
    }
  }

  private async hold({ campaignIds, told, reason }: Spell): Promise<void> {
    const { env, server, log } = this.options;
    try {
      const client = await connectClient(env);
      try {
        for (const id of campaignIds) {
          await holdCampaign(client, id, { by: server, reason }, told.has(id)).then(
            () => told.add(id),
            // One that has ended meanwhile, say.
            (error) => log.warn({ err: messageOf(error), campaign: id }, 'a campaign could not be paused'),
          );
        }
      } finally {
        await client.connection.close();
      }
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'campaigns could not be paused for want of room in the database');
    }
  }
}
