import { takenBatches } from '../src/dispatch/ledger/taken-batches.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** WaitForDispatchToFinish of a cancelled campaign: which batches a dispatcher has taken and not ended. */
export function createTakenBatches({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<number[]> => await takenBatches(db, campaignId);
}
