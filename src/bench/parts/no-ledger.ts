import { Lease, type RecordedOutcome } from '../../dispatch/ledger/lease.ts';
import { Recorder } from '../../dispatch/ledger/recorder.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import { noCounts, type OutcomeCounts } from '../../domain/outcome.ts';

/**
 * A recorder that records nothing, to see what recording costs. It exists in the bench alone: whoever sent a campaign with it
 * would know of nobody who got it.
 */
export class NoLedger extends Recorder {
  readonly #sent = new Map<Lease, number>();

  override async open(
    campaignId: string,
    batch: number,
    _range: PositionRange,
    attempt: number,
  ): Promise<Lease> {
    return new Lease({ campaignId, batch, lease: attempt, word: 'go', now: performance.now() });
  }

  override mayGoOn(): boolean {
    return true;
  }

  override record(lease: Lease, { outcome }: RecordedOutcome): void {
    if (outcome.kind === 'sent') this.#sent.set(lease, (this.#sent.get(lease) ?? 0) + 1);
  }

  override async close(lease: Lease): Promise<OutcomeCounts> {
    return { ...noCounts, sent: this.#sent.get(lease) ?? 0 };
  }
}
