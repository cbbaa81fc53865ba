import { showReason } from '../src/campaigns/change-state.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** The end of a cancelled campaign: what keeps it waiting, for whoever looks at its status. */
export function createShowReason({ db }: PrimaryDependencies) {
  return async (change: CampaignRef & { reason?: string | undefined }): Promise<void> =>
    await showReason(db, change);
}
