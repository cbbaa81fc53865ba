import { cancelRemaining } from '../src/dispatch/ledger/cancel-remaining.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** WaitForDispatchToFinish of a cancelled campaign: everybody else is entered as cancelled. */
export function createCancelRemaining({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<void> => await cancelRemaining(db, campaignId);
}
