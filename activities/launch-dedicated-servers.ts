import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { capacityOf, liveDispatchers } from '../src/dispatch/dispatchers.ts';
import { recentPace } from '../src/dispatch/recent-pace.ts';
import type { LaunchedDispatchers } from '../src/domain/dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** LaunchDedicatedServers: what the living dispatchers can do together, and how fast they are. The batches follow. */
export function createLaunchDedicatedServers({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<LaunchedDispatchers> => {
    const { definition } = await findCampaign(db, campaignId);
    const dispatchers = await liveDispatchers(db, definition.pool);
    return { ...capacityOf(dispatchers, campaignId), expectedPace: await recentPace(db, dispatchers) };
  };
}
