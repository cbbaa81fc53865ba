import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { type DealtTest, queueMessage } from '../src/contacts/queue-message.ts';
import { plannedQueue } from '../src/dispatch/plan-remaining.ts';
import { untilBatchesEnded } from '../src/dispatch/taken-batches.ts';
import type { QueuedMessage } from '../src/domain/dispatch.ts';
import type { TestDefinition } from '../src/message/content.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

function dealtTest({ share, variants }: TestDefinition): DealtTest {
  return { share, variants: variants.length + 1 };
}

/** QueueMessage: fills the dispatch queue, once. */
export function createQueueMessage({ db, config }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<QueuedMessage> => {
    const { definition } = await findCampaign(db, campaignId);
    const { undeliveredMaximum, checkSuppressionList } = config.settings;
    const { queued } = await queueMessage(db, campaignId, {
      undeliveredMaximum,
      checkSuppressionList,
      languages: Object.keys(definition.bodies),
      fallback: definition.fallback,
      defaultLanguage: definition.defaultLanguage,
      ...(definition.test ? { test: dealtTest(definition.test) } : {}),
    });
    // A run that was ended from outside may have left batches that are just being ended.
    await untilBatchesEnded(db, campaignId);
    return await plannedQueue(db, campaignId, queued);
  };
}
