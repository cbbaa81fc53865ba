import { changeWord } from '../src/campaigns/change-state.ts';
import type { DispatchWord } from '../src/domain/campaign-state.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** Pause, resume and cancel: what every dispatcher hears with its next flush, and who said it, in the audit trail. */
export function createTellDispatchers({ db }: PrimaryDependencies) {
  return async (
    change: CampaignRef & { word: DispatchWord; by: string; why?: string | undefined },
  ): Promise<void> => await changeWord(db, change);
}
