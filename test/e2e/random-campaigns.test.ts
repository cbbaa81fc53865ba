import { describeRandomCampaigns } from '../support/random-campaigns.ts';
import { testSeed } from '../support/seed.ts';

describeRandomCampaigns({ seed: testSeed, campaigns: 6, drains: 2 });
