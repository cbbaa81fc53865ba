import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { type NotifyOptions, notifyByMail, notifyByWebhook } from '../src/dispatch/notify.ts';
import { auditedTotals } from '../src/reporting/totals.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** NotifyDispatchFinished, by each channel on its own: a retry of one does not repeat the other. */
export function createNotifyDispatchFinished({ db, settings }: PrimaryDependencies) {
  const optionsOf = async (campaignId: string): Promise<NotifyOptions> => {
    const { definition, name, state, excluded } = await findCampaign(db, campaignId);
    return {
      notify: definition.notify,
      smtpUrl: settings.smtpUrl,
      from: definition.from,
      internalApiKey: settings.keys.internalApi,
      result: { campaignId, name, state, excluded, totals: await auditedTotals(db, campaignId) },
    };
  };
  return {
    notifyByMail: async ({ campaignId }: CampaignRef): Promise<void> =>
      await notifyByMail(await optionsOf(campaignId)),
    notifyByWebhook: async ({ campaignId }: CampaignRef): Promise<void> =>
      await notifyByWebhook(await optionsOf(campaignId)),
  };
}
