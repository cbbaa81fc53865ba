import type { ResolvedConfig } from '../src/config/exm-config.ts';
import type { Settings } from '../src/config/settings.ts';
import type { Database } from '../src/db/connect.ts';
import type { TaskQueues } from '../src/domain/names.ts';

/** What the primary's activities need. */
export interface PrimaryDependencies {
  readonly db: Database;
  readonly settings: Settings;
  readonly config: ResolvedConfig;
  readonly queues: TaskQueues;
  /** Whether the namespace has our search attributes. */
  readonly searchAttributes: boolean;
}

/** What every step is given. */
export interface CampaignRef {
  readonly campaignId: string;
}
