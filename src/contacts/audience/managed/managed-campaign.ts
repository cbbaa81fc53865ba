import type { CampaignRow } from '../../../campaigns/find-campaign.ts';
import { letterOf } from '../../../domain/ab-test.ts';
import { variantsIn } from '../../../message/named-variant.ts';
import type { ManagedCampaign } from './dispatch-manager.ts';

/** What a DispatchManager is told of a campaign. */
export function managedCampaign({ id, name, definition }: CampaignRow): ManagedCampaign {
  return {
    id,
    name,
    include: definition.include,
    exclude: definition.exclude,
    languages: Object.keys(definition.bodies),
    variants: Array.from({ length: variantsIn(definition) }, (_, variant) => letterOf(variant)),
  };
}
