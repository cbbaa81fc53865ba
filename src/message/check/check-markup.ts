import { posix } from 'node:path';
import type { CampaignDefinition } from '../content.ts';
import { maskLiquid } from '../freeze/liquid-mask.ts';
import { linksInText } from '../freeze/track-links.ts';
import { checkElements } from './elements.ts';
import type { Finding } from './findings.ts';
import { checkImages } from './images.ts';
import { checkLinks, type PlacedLink, reportLink } from './links.ts';
import { placesIn, readMarkup } from './markup.ts';
import type { Report } from './report.ts';

export interface MarkupCheck {
  readonly findings: readonly Finding[];
  /** Links to the web. */
  readonly links: readonly PlacedLink[];
}

/** What can be seen in a template as its author wrote it. @throws liquidjs' TokenizationError */
export function checkMarkup(
  { file, source }: { readonly file: string; readonly source: string },
  { images = {}, embedImages = false }: Pick<CampaignDefinition, 'images' | 'embedImages'>,
): MarkupCheck {
  const markup = readMarkup(source);
  const placeOf = placesIn(source);
  const findings: Finding[] = [];
  const report: Report = (finding, index) => {
    findings.push({ ...finding, where: `${file}:${placeOf(index)}` });
  };
  const byPath = Object.entries(images).map(([path, one]) => [posix.normalize(path), one] as const);
  checkImages(markup, { file, images: new Map(byPath), embedImages }, report);
  checkElements(markup, report);
  const links = checkLinks(markup, report).map(({ address, index }) => ({
    address,
    where: `${file}:${placeOf(index)}`,
  }));
  return { findings, links };
}

/** The same of a text part, in which only addresses mean something. @throws liquidjs' TokenizationError */
export function checkTextPart(text: string, file: string): MarkupCheck {
  const masked = maskLiquid(text);
  const findings: Finding[] = [];
  const links = linksInText(masked).map(({ address, index }) => {
    const { line, column } = masked.placeOf(index);
    const where = `${file}:${line}:${column}`;
    reportLink(address, index, (finding) => findings.push({ ...finding, where }));
    return { address, where };
  });
  return { findings, links };
}
