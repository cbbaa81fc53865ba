import { changeState, changeSubState, reopenBooks } from '../src/campaigns/change-state.ts';
import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { inSnapshot } from '../src/db/snapshot.ts';
import { type CampaignState, hasEnded } from '../src/domain/campaign-state.ts';
import { FailedError } from '../src/domain/errors.ts';
import type { Totals } from '../src/domain/outcome.ts';
import { auditedBooks, differenceInWords } from '../src/reporting/books.ts';
import { auditedTotals } from '../src/reporting/totals.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

export interface MoveToSentInput extends CampaignRef {
  readonly cancelled: boolean;
  readonly by: string;
  readonly why?: string | undefined;
  /** True where whoever had no outcome was dispatched again for this step already: it is not done a second time. */
  readonly reopened: boolean;
}

/**
 * MoveToSent, and the end of a cancelled campaign: only when the books, counted recipient by recipient in the ledger,
 * balance. What is Sent is Finishing until the steps that follow are done.
 *
 * @returns the state before where recipients have no outcome: they are to be dispatched, or cancelled, first
 * @throws FailedError BOOKS_OPEN that names what dispatching again does not mend. A cancelled campaign ends with it.
 */
export function createMoveToSent({ db }: PrimaryDependencies) {
  return async ({
    campaignId,
    cancelled,
    by,
    why,
    reopened,
  }: MoveToSentInput): Promise<{ state: CampaignState; totals: Totals }> => {
    const { state: before } = await findCampaign(db, campaignId);
    // A repeated step: its answer was lost on the way.
    if (hasEnded(before)) return { state: before, totals: await auditedTotals(db, campaignId) };
    await changeSubState(db, campaignId, 'Sending', 'Finishing');
    const { totals, differences } = await inSnapshot(
      db,
      async (snapshot) => await auditedBooks(snapshot, campaignId),
    );
    const named = differences.map(differenceInWords).join('; ');
    if (totals.remaining > 0 && !reopened) {
      await reopenBooks(db, { campaignId, by: 'exm', why: named });
      return { state: before, totals };
    }
    if (differences.length > 0 && (totals.remaining > 0 || !cancelled)) {
      throw new FailedError('BOOKS_OPEN', `The books do not balance: ${named}.`, {
        hint: `The queue or the ledger was changed from outside: see "exm campaign audit ${campaignId}".`,
      });
    }
    const open = named === '' ? [] : [`the books do not balance: ${named}`];
    const state = cancelled ? 'Inactive' : 'Sent';
    await changeState(db, {
      campaignId,
      to: state,
      subState: cancelled ? 'Cancelled' : 'Finishing',
      by,
      why: [...(why === undefined ? [] : [why]), ...open].join('; ') || undefined,
    });
    return { state, totals };
  };
}
