import { endDispatch } from '../src/campaigns/change-state.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** Every step of a campaign that is Sent is done, or was given up: whoever watches it hears of the end. */
export function createEndDispatch({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<void> => await endDispatch(db, campaignId);
}
