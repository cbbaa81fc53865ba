import { checkPreconditions } from '../src/campaigns/preconditions.ts';
import type { PreconditionsResult } from '../src/domain/messages.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** CheckPreconditions: every condition that is not met, by name, at once. */
export function createCheckPreconditions({ db, settings }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<PreconditionsResult> =>
    await checkPreconditions(db, campaignId, { baseUrl: settings.baseUrl });
}
