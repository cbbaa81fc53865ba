import { lettersOf, variantOf } from '../domain/ab-test.ts';
import { InputError } from '../domain/errors.ts';
import type { CampaignDefinition } from '../message/content.ts';

/** The variant that a person names by its letter. @throws InputError VARIANT_UNKNOWN */
export function parseVariant(
  letter: string,
  { test }: Pick<CampaignDefinition, 'test'>,
  field: string,
): number {
  const variants = 1 + (test?.variants.length ?? 0);
  const variant = variantOf(letter, variants);
  if (variant !== undefined) return variant;
  throw new InputError('VARIANT_UNKNOWN', 'The campaign has no such variant.', {
    field,
    value: letter,
    hint:
      test === undefined
        ? 'It has no A/B test, and so only the variant A.'
        : `It has ${lettersOf(variants)}.`,
  });
}
