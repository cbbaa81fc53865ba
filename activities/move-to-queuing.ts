import { changeState } from '../src/campaigns/change-state.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** MoveToQueuing: the state, with who started the campaign in the audit trail. */
export function createMoveToQueuing({ db }: PrimaryDependencies) {
  return async ({ campaignId, by }: CampaignRef & { by: string }): Promise<void> =>
    await changeState(db, { campaignId, to: 'Queuing', subState: 'Queuing', by });
}
