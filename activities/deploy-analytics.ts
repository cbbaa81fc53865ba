import { deployAnalytics } from '../src/message/freeze/deploy.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** DeployAnalytics: tracked links, variants and goals become rows that events refer to. */
export function createDeployAnalytics({ db, settings, config }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<void> =>
    await deployAnalytics(db, campaignId, settings.baseUrl, config.managerRoot);
}
