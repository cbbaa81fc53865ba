import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { capacityOf, liveDispatchers } from '../src/dispatch/dispatchers.ts';
import type { Capacity } from '../src/domain/dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** LaunchDedicatedServers: what the living dispatchers can do together. The batches follow. */
export function createLaunchDedicatedServers({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<Capacity> => {
    const { definition } = await findCampaign(db, campaignId);
    return capacityOf(await liveDispatchers(db, definition.pool), campaignId);
  };
}
