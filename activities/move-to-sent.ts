import { changeState, changeSubState } from '../src/campaigns/change-state.ts';
import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { type CampaignState, hasEnded } from '../src/domain/campaign-state.ts';
import { FailedError } from '../src/domain/errors.ts';
import { booksBalance, type Totals } from '../src/domain/outcome.ts';
import { auditedTotals } from '../src/reporting/totals.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/**
 * MoveToSent, and the end of a cancelled campaign: only when the books, counted recipient by recipient in the ledger,
 * balance. What is Sent is Finishing until the steps that follow are done.
 */
export function createMoveToSent({ db }: PrimaryDependencies) {
  return async ({
    campaignId,
    cancelled,
    by,
    why,
  }: CampaignRef & { cancelled: boolean; by: string; why?: string | undefined }): Promise<{
    state: CampaignState;
    totals: Totals;
  }> => {
    const { state: before } = await findCampaign(db, campaignId);
    // A repeated step: its answer was lost on the way.
    if (hasEnded(before)) return { state: before, totals: await auditedTotals(db, campaignId) };
    await changeSubState(db, campaignId, 'Sending', 'Finishing');
    const totals = await auditedTotals(db, campaignId);
    if (!booksBalance(totals)) {
      throw new FailedError('BOOKS_OPEN', `The books do not balance: ${JSON.stringify(totals)}.`, {
        field: 'totals',
        hint: 'The queue or the ledger was changed from outside; nothing here can do that.',
      });
    }
    const state = cancelled ? 'Inactive' : 'Sent';
    await changeState(db, {
      campaignId,
      to: state,
      subState: cancelled ? 'Cancelled' : 'Finishing',
      by,
      why,
    });
    return { state, totals };
  };
}
