import type { Queries } from '../../db/connect.ts';
import type { CampaignDefinition, FrozenContent } from '../content.ts';
import { loadContent } from './deploy.ts';
import { type FreezeOptions, freezeContent } from './freeze-content.ts';

export interface CurrentContent {
  readonly content: FrozenContent;
  readonly hash: string;
  /** True where PublishDispatchItems has frozen it: nothing changes it any more. */
  readonly isFrozen: boolean;
}

/**
 * What a campaign sends: the content that it was frozen with, else what it would be frozen with now.
 *
 * @throws InputError as `freezeContent`, FailedError as `loadContent`
 */
export async function currentContent(
  db: Queries,
  campaign: {
    readonly id: string;
    readonly definition: CampaignDefinition;
    readonly contentHash: string | null;
  },
  options: Omit<FreezeOptions, 'campaignId'>,
): Promise<CurrentContent> {
  const { id, definition, contentHash: hash } = campaign;
  if (hash !== null) return { content: await loadContent(db, hash), hash, isFrozen: true };
  const frozen = await freezeContent(definition, { ...options, campaignId: id });
  return { content: frozen.content, hash: frozen.hash, isFrozen: false };
}
