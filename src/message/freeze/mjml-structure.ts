/** Something that MJML would drop without a word. */
export interface StructureProblem {
  readonly line: number;
  /** Where it stands in the text. */
  readonly index: number;
  readonly message: string;
}

/** Elements whose content is HTML or text. */
const contentElements = new Set([
  'mj-text',
  'mj-button',
  'mj-raw',
  'mj-table',
  'mj-title',
  'mj-preview',
  'mj-style',
  'mj-social-element',
  'mj-navbar-link',
  'mj-accordion-title',
  'mj-accordion-text',
  'mj-html-attribute',
]);

/** Elements in which only other elements count. Those that are in neither set do not exist; MJML says so itself. */
const containers = new Set([
  'mjml',
  'mj-head',
  'mj-attributes',
  'mj-html-attributes',
  'mj-selector',
  'mj-body',
  'mj-wrapper',
  'mj-section',
  'mj-group',
  'mj-column',
  'mj-hero',
  'mj-accordion',
  'mj-accordion-element',
  'mj-carousel',
  'mj-navbar',
  'mj-social',
]);

const tagOrComment = /<!--[\s\S]*?-->|<(\/?)(mj[a-z-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>/g;

/**
 * Finds what MJML's own validation lets pass and its compiler then leaves out of the message: elements that are not
 * closed, text or Liquid between elements, and includes, which a campaign's single frozen template cannot have.
 */
export function findStructureProblem(mjml: string): StructureProblem | undefined {
  const open: { name: string; index: number }[] = [];
  const lineOf = (index: number) => mjml.slice(0, index).split('\n').length;
  const problem = (index: number, message: string) => ({ line: lineOf(index), index, message });
  let textFrom = 0;
  for (const match of mjml.matchAll(tagOrComment)) {
    const [all, closing, name, , selfClosing] = match;
    const inside = open.at(-1);
    if (inside !== undefined && contentElements.has(inside.name) && !(closing && name === inside.name)) {
      if (name === undefined || !/^mj-?/.test(name)) continue;
      return problem(inside.index, `<${inside.name}> is not closed`);
    }
    const stray = /\S/.exec(mjml.slice(textFrom, match.index));
    if (stray !== null && (inside === undefined || containers.has(inside.name))) {
      const place = inside === undefined ? 'outside of <mjml>' : `directly inside <${inside.name}>`;
      return problem(
        textFrom + stray.index,
        `text or Liquid ${place} does not become part of the message; put it into <mj-text>, or <mj-raw> for Liquid tags around elements`,
      );
    }
    textFrom = match.index + all.length;
    if (name === undefined) continue;
    if (name === 'mj-include')
      return problem(match.index, '<mj-include> is not allowed: a campaign has one template');
    if (closing) {
      if (inside?.name !== name) {
        const expected =
          inside === undefined
            ? 'nothing is open'
            : `<${inside.name}> of line ${lineOf(inside.index)} is open`;
        return problem(match.index, `</${name}> closes nothing: ${expected}`);
      }
      open.pop();
    } else if (!selfClosing) open.push({ name, index: match.index });
  }
  const left = open.at(-1);
  return left === undefined ? undefined : problem(left.index, `<${left.name}> is not closed`);
}
