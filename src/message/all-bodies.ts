import { letterOf } from '../domain/ab-test.ts';
import type { BodyDefinition, CampaignDefinition, Mailbox } from './content.ts';
import type { DefinitionPath } from './locate.ts';

/** One body of a campaign: what the recipients of a variant get whose language it is. */
export interface CampaignBody {
  /** 0 is A, the campaign's own content. */
  readonly variant: number;
  /** A to E; undefined where the campaign has no A/B test, and there is nothing to tell apart. */
  readonly letter: string | undefined;
  readonly language: string;
  readonly body: BodyDefinition;
  /** Sender of the variant; undefined where it is the campaign's. */
  readonly from: Mailbox | undefined;
  /** Where it stands, for `Locate`. What a variant takes over from the campaign is located there. */
  readonly path: DefinitionPath;
}

/** Every body that a campaign may send: by variant, the campaign's own first, and then by language. */
export function allBodies({ bodies, test }: Pick<CampaignDefinition, 'bodies' | 'test'>): CampaignBody[] {
  const variants = [
    { bodies, from: undefined, path: ['bodies'] },
    ...(test?.variants ?? []).map((one, index) => ({
      bodies: one.bodies,
      from: one.from,
      path: ['test', 'variants', index, 'bodies'],
    })),
  ];
  return variants.flatMap(({ bodies: own, from, path }, variant) =>
    Object.entries(own)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([language, body]) => ({
        variant,
        letter: test === undefined ? undefined : letterOf(variant),
        language,
        body,
        from,
        path: [...path, language],
      })),
  );
}
