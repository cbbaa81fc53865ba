import { describe, expect, it } from 'vitest';
import { chooseLanguage, type LanguageRules } from '../../src/domain/language-choice.ts';
import fc from '../support/fast-check.ts';
import { languageRules, languageTag } from '../support/languages.ts';

describe('the language of a body', () => {
  const rules: LanguageRules = {
    languages: ['en', 'de', 'es', 'es-mx', 'fr', 'zh', 'zh-hant'],
    fallback: {
      ca: ['es', 'fr'],
      'ca-fr': ['fr', 'es'],
      gsw: ['de'],
      qu: ['es-mx-x-a'],
      eo: ['io', 'fr'],
      tlh: ['x'],
    },
    defaultLanguage: 'en',
  };

  it.each([
    ['de', 'de'],
    ['de-at-1996', 'de'],
    ['DE-AT', 'de'],
    ['zh-hant-tw', 'zh-hant'],
    ['zh-hans', 'zh'],
    ['ca', 'es'],
    ['ca-es-valencia', 'es'],
    ['ca-fr', 'fr'],
    ['ca-fr-x-a', 'fr'],
    ['ca-france', 'es'],
    ['gsw-ch', 'de'],
    ['qu', 'es-mx'],
    ['eo', 'fr'],
    ['tlh', 'en'],
    ['cat', 'en'],
    ['', 'en'],
  ])('for %j is %s', (wanted, chosen) => {
    expect(chooseLanguage(wanted, rules)).toBe(chosen);
  });

  it('is looked for subtag by subtag, in each language to fall back on, and is the default otherwise', () => {
    fc.assert(
      fc.property(languageTag, languageRules, (tag, some) => {
        expect(chooseLanguage(tag, some)).toBe(plainly(tag, some));
      }),
    );
  });
});

/** As RFC 4647 section 3.4 puts it. */
function plainly(tag: string, { languages, fallback = {}, defaultLanguage }: LanguageRules): string {
  const lookUp = (wanted: string, tags: readonly string[]) => {
    for (let left = wanted.split('-'); left.length > 0; left = left.slice(0, -1))
      if (tags.includes(left.join('-'))) return left.join('-');
    return undefined;
  };
  const key = lookUp(tag, Object.keys(fallback));
  const wanted = [tag, ...((key === undefined ? undefined : fallback[key]) ?? [])];
  return wanted.map((one) => lookUp(one, languages)).find((one) => one !== undefined) ?? defaultLanguage;
}
