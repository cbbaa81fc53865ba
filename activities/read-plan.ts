import { changeWord } from '../src/campaigns/change-state.ts';
import { findCampaign } from '../src/campaigns/find-campaign.ts';
import type { DispatchPlan } from '../src/domain/dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** Reads what the configuration says about this run, and lets dispatchers go: an earlier run may have left them held. */
export function createReadPlan({ db, config, queues, searchAttributes }: PrimaryDependencies) {
  return async ({
    campaignId,
    startedBy,
  }: CampaignRef & { startedBy?: string | undefined }): Promise<DispatchPlan> => {
    const { name, definition } = await findCampaign(db, campaignId);
    const by = startedBy ?? 'unknown';
    await changeWord(db, { campaignId, word: 'go', by });
    return {
      campaignName: name,
      pipelines: config.pipelines,
      dispatchQueue: queues.dispatch(definition.pool),
      dispatchBatchSize: config.settings.dispatchBatchSize,
      searchAttributes,
      startedBy: by,
      batchesPerRun: config.settings.batchesPerRun,
    };
  };
}
