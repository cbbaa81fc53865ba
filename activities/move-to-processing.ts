import { changeState } from '../src/campaigns/change-state.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** MoveToProcessing: the state to Sending. */
export function createMoveToProcessing({ db }: PrimaryDependencies) {
  return async ({ campaignId, by }: CampaignRef & { by: string }): Promise<void> =>
    await changeState(db, { campaignId, to: 'Sending', subState: 'Sending', by });
}
