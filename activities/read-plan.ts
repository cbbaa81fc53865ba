import { Context } from '@temporalio/activity';
import { letGo } from '../src/campaigns/change-state.ts';
import { findCampaign } from '../src/campaigns/find-campaign.ts';
import { hasEnded } from '../src/domain/campaign-state.ts';
import type { DispatchPlan } from '../src/domain/dispatch.ts';
import { InputError } from '../src/domain/errors.ts';
import { campaignWorkflowId } from '../src/domain/names.ts';
import { variantsIn } from '../src/message/named-variant.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** Reads what the configuration says about this run, and lets dispatchers go, unless the campaign was cancelled before. */
export function createReadPlan({ db, config, queues, searchAttributes }: PrimaryDependencies) {
  return async ({
    campaignId,
    startedBy,
  }: CampaignRef & { startedBy?: string | undefined }): Promise<DispatchPlan> => {
    const { name, definition, winner } = await findCampaign(db, campaignId);
    const { test } = definition;
    requireOwnWorkflow(campaignId);
    const by = startedBy ?? 'unknown';
    const { state, word, reason } = await letGo(db, { campaignId, by });
    const planOfEnd = (): Pick<DispatchPlan, 'hasEnded' | 'cancelled'> => {
      if (hasEnded(state)) return { hasEnded: true };
      return word === 'cancel' ? { cancelled: { reason: reason ?? undefined } } : {};
    };
    return {
      campaignName: name,
      pipelines: config.pipelines,
      dispatchQueue: queues.dispatch(definition.pool),
      dispatchBatchSize: config.settings.dispatchBatchSize,
      searchAttributes,
      startedBy: by,
      batchesPerRun: config.settings.batchesPerRun,
      ...planOfEnd(),
      ...(test
        ? {
            test: {
              variants: variantsIn(definition),
              by: test.winner.by,
              ...(winner === null ? {} : { winner }),
            },
          }
        : {}),
    };
  };
}

/** Only its one workflow id keeps a campaign from being dispatched twice at once. */
function requireOwnWorkflow(campaignId: string): void {
  const workflowId = Context.current().info.workflowExecution?.workflowId;
  const expected = campaignWorkflowId(campaignId);
  if (workflowId === expected) return;
  throw new InputError('WORKFLOW_ID_WRONG', `The campaign must be started as the workflow "${expected}".`, {
    field: 'workflow id',
    value: workflowId,
    hint: `This id is what refuses a second start. Start DispatchNewsletter with the workflow id ${expected}.`,
  });
}
