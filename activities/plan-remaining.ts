import { planRemaining } from '../src/dispatch/plan-remaining.ts';
import type { RemainingRecipients } from '../src/domain/dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** WaitForDispatchToFinish: who has no outcome yet, when all batches have ended. */
export function createPlanRemaining({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<RemainingRecipients> =>
    await planRemaining(db, campaignId);
}
