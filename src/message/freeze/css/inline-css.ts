import { type CheerioAPI, load } from 'cheerio';
import juice from 'juice';
import type { MaskedTemplate } from '../liquid-mask.ts';
import { addStyles, type Declarations, type ElementPlace, splitDeclarations } from './add-styles.ts';
import { type Rule, readRules } from './rules.ts';

/** Characters of all styles that are read: Gmail takes note of 16,384. */
const cssMaximum = 65_536;
const rulesMaximum = 3_000;
/** Characters that the styles may add to a message; Gmail cuts it off after 102,400. */
const addedMaximum = 500_000;
/** Rules times elements that are compared at the most: some seconds. */
const comparisonsMaximum = 1_000_000;

/** A node of parse5's tree with the place of its tag, as far as it is looked at here. */
interface PlacedNode {
  readonly sourceCodeLocation?: ElementPlace | null;
}

export interface InlinedCss {
  readonly html: string;
  /** True where the styles are too many to compare them with so many elements; the HTML is as it was. */
  readonly isTooMuch: boolean;
}

/**
 * Copies the rules of the `style` elements of masked HTML into the `style` attributes of the elements that they are about,
 * for mail programs that know no others. The `style` elements stay as they are, with what only they can say: media
 * queries, states, fonts, and rules that depend on Liquid.
 *
 * juice finds what is for whom; the HTML is not written anew from its tree, but only gets attributes where the tags
 * stand: conditional comments, Liquid and whatever is unusual in it stay byte for byte. Nothing is fetched.
 */
export function inlineCss(html: string, masked: MaskedTemplate): InlinedCss {
  const unchanged = { html, isTooMuch: false };
  if (!/<style\b/i.test(html)) return unchanged;
  const $ = load(html, { sourceCodeLocationInfo: true });
  const hasTags = [...html.matchAll(masked.pattern)].some(([word]) => masked.unmask(word).includes('{%'));
  const styles = usableStyles($, html, masked);
  if (styles.reduce((sum, css) => sum + css.length, 0) > cssMaximum) return { html, isTooMuch: true };
  const rules = styles.flatMap((css) => readRules(css, { hasTags }));
  if (rules.length === 0) return unchanged;
  if (rules.length > rulesMaximum || rules.length * $('*').length > comparisonsMaximum)
    return { html, isTooMuch: true };
  const inlined = addStyles(html, stylesFor($, rules));
  return inlined.length > html.length + addedMaximum
    ? { html, isTooMuch: true }
    : { html: inlined, isTooMuch: false };
}

/** The text of the style elements that hold for everybody, in order. */
function usableStyles($: CheerioAPI, html: string, masked: MaskedTemplate): string[] {
  return $('style')
    .toArray()
    .filter((element) => {
      const { media = 'all', type = 'text/css' } = element.attribs;
      if (!/^\s*(?:all|screen)?\s*$/i.test(media) || !/^\s*(?:text\/css)?\s*$/i.test(type)) return false;
      const { sourceCodeLocation: place } = element as PlacedNode;
      return place ? !isInBlock(html.slice(0, place.startOffset), masked) : false;
    })
    .map((element) =>
      $(element)
        .text()
        .replace(/<!--|-->/g, ' '),
    )
    .filter((css) => !masked.unmask(css).includes('{%'));
}

/** Whether a tag of Liquid is open at the end of masked HTML, so that what follows may be left out, or come twice. */
function isInBlock(before: string, masked: MaskedTemplate): boolean {
  let depth = 0;
  for (const [word] of before.matchAll(masked.pattern)) {
    const tag = /^\{%-?\s*(\w+)/.exec(masked.unmask(word))?.[1] ?? '';
    if (tag.startsWith('end')) depth--;
    else if (/^(?:if|unless|case|for|tablerow|capture|component)$/.test(tag)) depth++;
  }
  return depth > 0;
}

/** What the rules give to each element, by the place of its tag. */
function stylesFor($: CheerioAPI, rules: readonly Rule[]): ReadonlyMap<ElementPlace, Declarations> {
  // What stands in the attributes is put back as it was: it may be Liquid, which juice would take for CSS.
  $('[style]').removeAttr('style');
  juice.inlineDocument($, rules.map(({ selector, body }) => `${selector}{${body}}`).join('\n'), {
    resolveCSSVariables: false,
    applyWidthAttributes: false,
    applyHeightAttributes: false,
    applyAttributesTableElements: false,
    inlinePseudoElements: false,
    preserveImportant: true,
  });
  const styles = new Map<ElementPlace, Declarations>();
  for (const element of $('[style]').toArray()) {
    const { sourceCodeLocation: place } = element as PlacedNode;
    if (place) styles.set(place, splitDeclarations(element.attribs['style'] ?? ''));
  }
  return styles;
}
