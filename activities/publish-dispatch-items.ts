import { publishDispatchItems } from '../src/message/freeze/deploy.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** PublishDispatchItems: freezes the content. @returns its hash, which every dispatcher must hold. */
export function createPublishDispatchItems({ db, settings, config }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<string> =>
    (
      await publishDispatchItems(db, campaignId, settings.baseUrl, {
        managerRoot: config.managerRoot,
        unsubscribeAddress: settings.unsubscribeAddress,
      })
    ).hash;
}
