import { backToDraft } from '../src/campaigns/change-state.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** CheckPreconditions of a campaign that was paused meanwhile, and does not start. */
export function createBackToDraft({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<void> =>
    await backToDraft(db, { campaignId, by: 'exm' });
}
