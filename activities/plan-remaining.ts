import { planRemaining } from '../src/dispatch/ledger/plan-remaining.ts';
import type { RemainingRecipients } from '../src/domain/dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

export interface RemainingOf extends CampaignRef {
  /** The last position that is looked at; left out: all. */
  readonly last?: number | undefined;
}

/** WaitForDispatchToFinish: who has no outcome yet, when all batches have ended. */
export function createPlanRemaining({ db }: PrimaryDependencies) {
  return async ({ campaignId, last }: RemainingOf): Promise<RemainingRecipients> =>
    await planRemaining(db, campaignId, last);
}
