import { type GivenUpSteps, giveUpSteps } from '../src/campaigns/change-state.ts';
import type { PrimaryDependencies } from './dependencies.ts';

/** Cancel of a campaign that is Sent: who gave up the steps that were left, in the audit trail. */
export function createGiveUpSteps({ db }: PrimaryDependencies) {
  return async (change: GivenUpSteps): Promise<void> => await giveUpSteps(db, change);
}
