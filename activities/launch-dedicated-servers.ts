import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { liveDispatchers, slotsOf } from '../src/dispatch/dispatchers.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** LaunchDedicatedServers: how many messages the living dispatchers can send at once. The batches follow. */
export function createLaunchDedicatedServers({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<{ slots: number }> => {
    const { definition } = await findCampaign(db, campaignId);
    return { slots: slotsOf(await liveDispatchers(db, definition.pool), campaignId) };
  };
}
