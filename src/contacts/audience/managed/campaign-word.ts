import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import type { Database } from '../../../db/connect.ts';
import { campaign } from '../../../db/schema.ts';
import type { DispatchWord } from '../../../domain/campaign-state.ts';
import { RefusedError } from '../../../domain/errors.ts';

const intervalMs = 1_000;

/** What a person said of a campaign while it is being queued, heard within a second; and a watch over what it waits for. */
export class CampaignWord {
  private word: DispatchWord = 'go';
  private readonly timer: NodeJS.Timeout;
  private waitingSince = 0;
  private interrupt: ((error: Error) => void) | undefined;

  constructor(
    private readonly db: Database,
    private readonly campaignId: string,
    private readonly silence: { readonly longestMs: number; readonly error: () => Error },
  ) {
    this.timer = setInterval(() => void this.listen(), intervalMs);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /**
   * Waits for the work, and while the campaign is paused. One at a time.
   * @throws RefusedError QUEUEING_CANCELLED as soon as it is cancelled; the error of the silence where the work takes so long
   */
  async during<T>(work: Promise<T>): Promise<T> {
    this.waitingSince = performance.now();
    // Not a race with a promise that lives as long as this: it would keep something of each of a million.
    const done = await new Promise<T>((resolve, reject) => {
      this.interrupt = reject;
      work.then(resolve, reject);
      if (this.word === 'cancel') reject(cancelled());
    });
    this.interrupt = undefined;
    while (this.word === 'pause') await sleep(intervalMs / 5);
    if (this.word === 'cancel') throw cancelled();
    return done;
  }

  private async listen(): Promise<void> {
    const { longestMs, error } = this.silence;
    if (performance.now() - this.waitingSince > longestMs) this.interrupt?.(error());
    try {
      const [row] = await this.db
        .select({ word: campaign.word })
        .from(campaign)
        .where(eq(campaign.id, this.campaignId));
      this.word = row?.word ?? 'cancel';
    } catch {
      // A database that is away says nothing new; whatever needs it next says so.
    }
    if (this.word === 'cancel') this.interrupt?.(cancelled());
  }
}

function cancelled(): RefusedError {
  return new RefusedError('QUEUEING_CANCELLED', 'The campaign was cancelled while it was being queued.', {
    field: 'campaign',
    hint: 'Nobody was queued.',
  });
}
