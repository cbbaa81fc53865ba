import juice from 'juice';

/** One selector of a style sheet with its declarations. */
export interface Rule {
  readonly selector: string;
  readonly body: string;
}

/** juice's reading of a style sheet: each selector with its declarations, without what stands in @-rules. */
interface JuiceUtils {
  parseCSS(css: string): [selector: string, declarations: { name: string; value: string }[]][];
}

const name = '[\\w\\u0080-\\uffff-]+';
const compound = `(?:[a-z][a-z0-9]*|\\*)?(?:[.#]${name}|\\[\\s*(?!style\\b)${name}\\s*(?:[~|^$*]?=\\s*(?:"[^"\\]]*"|'[^'\\]]*'|${name})\\s*)?\\])*`;
/** Elements by name, class, id and attribute, and which elements they stand in. */
const plainSelector = new RegExp(`^${compound}(?:(?:\\s*>\\s*|\\s+)${compound}){0,7}$`, 'i');
/** Also which elements they stand beside: another element once Liquid has left one out or repeated it. */
const position =
  ':(?:first-child|last-child|only-child|first-of-type|last-of-type|nth-child\\([\\w\\s+-]{1,20}\\))';
const positioned = `${compound}(?:${position}){0,3}`;
const positionalSelector = new RegExp(`^${positioned}(?:(?:\\s*[>+]\\s*|\\s+)${positioned}){0,7}$`, 'i');
const selectorMaximum = 500;

/** What an attribute can say: everything but variables, and what juice makes elements of. */
const declaration = /^-?[a-z][a-z-]*$/i;

/**
 * The rules of a style sheet that can stand in `style` attributes: no states, no pseudo-elements, no @-rules.
 * @param hasTags whether Liquid may leave out or repeat elements
 */
export function readRules(css: string, { hasTags }: { readonly hasTags: boolean }): Rule[] {
  const selectors = hasTags ? plainSelector : positionalSelector;
  const { utils } = juice as unknown as { readonly utils: JuiceUtils };
  return utils.parseCSS(css).flatMap(([written, declarations]) => {
    const selector = written.trim();
    if (selector === '' || selector.length > selectorMaximum || !selectors.test(selector)) return [];
    const body = declarations
      .filter(({ name: property, value }) => isUsable(property, value))
      .map(({ name: property, value }) => `${property}:${value}`)
      .join(';');
    return body === '' ? [] : [{ selector, body }];
  });
}

function isUsable(property: string, value: string): boolean {
  return declaration.test(property) && property !== 'content' && !/\bvar\(|[{}<>]/.test(value);
}
