import { type Page, page, paragraph } from './frame.ts';
import { type PageLanguage, pageTexts } from './texts.ts';

const statuses = { notFound: 404, unavailable: 503, badRequest: 400, gone: 200, test: 200 } as const;

/** A page of a title and a sentence. */
export function plainPage(language: PageLanguage, which: keyof typeof statuses): Page {
  const { title, lead } = pageTexts(language)[which];
  return page({ language, status: statuses[which], title }, paragraph(lead));
}
