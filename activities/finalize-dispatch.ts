import { finalizeDispatch } from '../src/dispatch/finalize-dispatch.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** FinalizeDispatch: clears what only a running dispatch needs, also after a cancel. */
export function createFinalizeDispatch({ db }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<void> => await finalizeDispatch(db, campaignId);
}
