import {
  type DecisionTime,
  decideWinner,
  type MovedDecision,
  moveDecision,
  testIsOut,
  type WantedWinner,
  type WinnerDecision,
} from '../src/campaigns/test-winner.ts';
import type { CampaignRef, PrimaryDependencies } from './dependencies.ts';

/** SendMessage of a campaign with an A/B test: from when the test is out until its winner is chosen. */
export function createAbTest({ db }: PrimaryDependencies) {
  return {
    testIsOut: async ({ campaignId }: CampaignRef): Promise<DecisionTime> => await testIsOut(db, campaignId),
    decideWinner: async ({
      campaignId,
      wanted,
    }: CampaignRef & { wanted?: WantedWinner | undefined }): Promise<WinnerDecision> =>
      await decideWinner(db, campaignId, wanted),
    moveDecision: async (moved: MovedDecision): Promise<DecisionTime> => await moveDecision(db, moved),
  };
}
