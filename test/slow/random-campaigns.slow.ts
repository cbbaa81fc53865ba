import { describeRandomCampaigns } from '../support/random-campaigns.ts';
import { testSeed } from '../support/seed.ts';

for (let round = 0; round < 2; round++)
  describeRandomCampaigns({ seed: testSeed + 10 * round, campaigns: 12, drains: 4 });
