import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { queueMessage } from '../src/contacts/queue-message.ts';
import { plannedQueue } from '../src/dispatch/plan-remaining.ts';
import type { QueuedMessage } from '../src/domain/dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** QueueMessage: fills the dispatch queue, once. */
export function createQueueMessage({ db, config }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<QueuedMessage> => {
    const { definition } = await findCampaign(db, campaignId);
    const { undeliveredMaximum, checkSuppressionList } = config.settings;
    const { queued } = await queueMessage(db, campaignId, {
      undeliveredMaximum,
      checkSuppressionList,
      languages: Object.keys(definition.bodies),
      defaultLanguage: definition.defaultLanguage,
    });
    return await plannedQueue(db, campaignId, queued);
  };
}
