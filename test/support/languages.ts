import type { LanguageRules } from '../../src/domain/language-choice.ts';
import fc from './fast-check.ts';

const tags = [
  'ca',
  'ca-es',
  'ca-es-valencia',
  'es',
  'es-mx',
  'fr',
  'de',
  'zh',
  'zh-hant',
  'zh-hant-tw',
  'zh-ha',
  'c',
];

/** Tags that contain each other, and some that only look like it. */
export const languageTag = fc.constantFrom('', ...tags);

export const languageRules: fc.Arbitrary<LanguageRules> = fc
  .record({
    languages: fc.subarray(tags, { minLength: 1, maxLength: 5 }),
    fallback: fc.option(
      fc.dictionary(fc.constantFrom(...tags), fc.subarray(tags, { minLength: 1, maxLength: 3 })),
      { nil: undefined },
    ),
    first: fc.nat(),
  })
  .map(({ languages, fallback, first }) => ({
    languages,
    fallback,
    defaultLanguage: languages[first % languages.length] ?? 'en',
  }));
