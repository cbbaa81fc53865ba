import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { managedCampaign } from '../src/contacts/audience/managed/managed-campaign.ts';
import { nameRecipients } from '../src/contacts/audience/managed/name-recipients.ts';
import { queueMessage } from '../src/contacts/audience/queue-message.ts';
import { plannedQueue } from '../src/dispatch/ledger/plan-remaining.ts';
import { untilBatchesEnded } from '../src/dispatch/ledger/taken-batches.ts';
import type { QueuedMessage } from '../src/domain/dispatch.ts';
import { variantsIn } from '../src/message/named-variant.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** QueueMessage: fills the dispatch queue, once. */
export function createQueueMessage({ db, config }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<QueuedMessage> => {
    const campaign = await findCampaign(db, campaignId);
    const { definition } = campaign;
    const { undeliveredMaximum, checkSuppressionList, sendLimits } = config.settings;
    const { dispatchManager } = config;
    // Not asked again where only the answer of the attempt before was lost.
    const isManaged = dispatchManager !== undefined && campaign.queued === null;
    const { queued } = await queueMessage(db, campaignId, {
      undeliveredMaximum,
      checkSuppressionList,
      sendLimits,
      ...(isManaged
        ? {
            named: await nameRecipients(db, dispatchManager, managedCampaign(campaign), config.settings),
            overruled: dispatchManager.overrules,
          }
        : {}),
      languages: Object.keys(definition.bodies),
      fallback: definition.fallback,
      defaultLanguage: definition.defaultLanguage,
      ...(definition.test
        ? { test: { share: definition.test.share, variants: variantsIn(definition) } }
        : {}),
    });
    // A run that was ended from outside may have left batches that are just being ended.
    await untilBatchesEnded(db, campaignId);
    return await plannedQueue(db, campaignId, queued);
  };
}
