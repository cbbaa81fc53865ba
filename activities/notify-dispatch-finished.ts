import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { type NotifyOptions, notifyByMail, notifyByWebhook } from '../src/dispatch/notify.ts';
import { auditedTotals } from '../src/reporting/totals.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/**
 * NotifyDispatchFinished, by each channel on its own: a retry of one does not repeat the other. The books are counted once
 * more only for somebody who is to be told.
 */
export function createNotifyDispatchFinished({ db, settings }: PrimaryDependencies) {
  const notification =
    (channel: 'mail' | 'webhook', notify: (options: NotifyOptions) => Promise<void>) =>
    async ({ campaignId }: CampaignRef): Promise<void> => {
      const { definition, name, state, excluded } = await findCampaign(db, campaignId);
      if (definition.notify[channel] === undefined) return;
      await notify({
        notify: definition.notify,
        smtpUrl: settings.smtpUrl,
        from: definition.from,
        internalApiKey: settings.keys.internalApi,
        result: { campaignId, name, state, excluded, totals: await auditedTotals(db, campaignId) },
      });
    };
  return {
    notifyByMail: notification('mail', notifyByMail),
    notifyByWebhook: notification('webhook', notifyByWebhook),
  };
}
