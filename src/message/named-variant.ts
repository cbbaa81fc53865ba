import { lettersOf, variantOf } from '../domain/ab-test.ts';
import { InputError } from '../domain/errors.ts';
import type { CampaignDefinition } from './content.ts';

/** How many variants a campaign has: one where it has no A/B test. */
export function variantsIn({ test }: Pick<CampaignDefinition, 'test'>): number {
  return 1 + (test?.variants.length ?? 0);
}

/** The variant, out of so many, that a person names by its letter. @throws InputError VARIANT_UNKNOWN */
export function namedVariant(letter: string, variants: number, field: string): number {
  const variant = variantOf(letter, variants);
  if (variant !== undefined) return variant;
  throw new InputError('VARIANT_UNKNOWN', 'The campaign has no such variant.', {
    field,
    value: letter,
    hint: variants === 1 ? 'It has no A/B test, so there is only A.' : `It has ${lettersOf(variants)}.`,
  });
}
