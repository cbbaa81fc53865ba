import type { PageTexts } from './text-shape.ts';
import { de } from './texts-de.ts';
import { en } from './texts-en.ts';
import { fr } from './texts-fr.ts';

const texts = { en, de, fr } as const;
export type PageLanguage = keyof typeof texts;
export const pageLanguages = Object.keys(texts) as PageLanguage[];

export function pageTexts(language: PageLanguage): PageTexts {
  return texts[language];
}

/** The first of the languages wanted in which there are pages; English otherwise. */
export function choosePageLanguage(...wanted: readonly string[]): PageLanguage {
  for (const tag of wanted) {
    const language = tag.trim().toLowerCase().split(/[-_]/)[0];
    if (language === 'en' || language === 'de' || language === 'fr') return language;
  }
  return 'en';
}

/** Languages of an Accept-Language header (RFC 9110 section 12.5.4), the preferred first. */
export function acceptedLanguages(header: string | undefined): string[] {
  return (header ?? '')
    .slice(0, 200)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const quality = parameters
        .map((one) => /^\s*q=([\d.]+)$/.exec(one)?.[1])
        .find((one) => one !== undefined);
      return { tag, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
