import { changeState, changeSubState } from '../src/campaigns/change-state.ts';
import type { CampaignState } from '../src/domain/campaign-state.ts';
import { FailedError } from '../src/domain/errors.ts';
import { booksBalance, type Totals } from '../src/domain/outcome.ts';
import { auditedTotals } from '../src/reporting/totals.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/**
 * MoveToSent, and the end of a cancelled campaign: only when the books, counted recipient by recipient in the ledger,
 * balance.
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
    await changeSubState(db, campaignId, 'Finishing');
    const totals = await auditedTotals(db, campaignId);
    if (!booksBalance(totals)) {
      throw new FailedError('BOOKS_OPEN', `The books do not balance: ${JSON.stringify(totals)}.`, {
        field: 'totals',
        hint: 'Resume the campaign: whoever has no outcome is dispatched again.',
      });
    }
    const state = cancelled ? 'Inactive' : 'Sent';
    await changeState(db, { campaignId, to: state, subState: cancelled ? 'Cancelled' : 'None', by, why });
    return { state, totals };
  };
}
