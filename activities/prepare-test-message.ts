import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { createTestSend } from '../src/dispatch/test-send.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** SendTestMessage: stores whom the campaign file wants a test sent to. @returns undefined where nobody. */
export function createPrepareTestMessage({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<{ testSendId: string } | undefined> => {
    const { definition } = await findCampaign(db, campaignId);
    if (definition.testTo.length === 0) return undefined;
    return { testSendId: await createTestSend(db, { campaignId, addresses: definition.testTo }) };
  };
}
