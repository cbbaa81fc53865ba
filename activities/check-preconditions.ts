import { changeSubState } from '../src/campaigns/change-state.ts';
import { checkPreconditions } from '../src/campaigns/preconditions.ts';
import type { PreconditionsResult } from '../src/domain/messages.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** CheckPreconditions: every condition that is not met, by name, at once. */
export function createCheckPreconditions({ db, settings, config }: PrimaryDependencies) {
  return async ({ campaignId }: CampaignRef): Promise<PreconditionsResult> => {
    const result = await checkPreconditions(db, campaignId, {
      baseUrl: settings.baseUrl,
      keys: settings.keys,
      managerRoot: config.managerRoot,
      checkLinks: config.settings.checkLinks,
    });
    // A campaign that does not start is a Draft as before.
    if (result.failures.length > 0) await changeSubState(db, campaignId, 'Initialization', 'None');
    return result;
  };
}
