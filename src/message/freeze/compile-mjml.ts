import { InputError } from '../../domain/errors.ts';
import type { MaskedTemplate } from './liquid-mask.ts';
import { findStructureProblem } from './mjml-structure.ts';

export interface MjmlProblem {
  /** Line in the template, from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** What MJML itself says; lines are those of the masked template. */
interface MjmlError {
  readonly line: number;
  readonly message: string;
  readonly tagName?: string;
}

export const mjmlHint = 'The elements and their attributes are described at https://documentation.mjml.io.';

/**
 * Compiles masked MJML to HTML, strictly: what MJML finds wrong, and what it would leave out in silence, is an error.
 * The same template gives the same HTML. Fonts are loaded only where the template itself says so with `mj-font`.
 *
 * @throws InputError TEMPLATE_MJML with file and line.
 */
export async function compileMjml(template: MaskedTemplate, file: string): Promise<string> {
  const compiled = await tryMjml(template);
  if ('html' in compiled) return compiled.html;
  const { line, column, message } = compiled.problems[0] ?? { line: 1, column: 1, message: '' };
  const where = `${file}:${line}:${column}`;
  throw new InputError('TEMPLATE_MJML', `${where}: ${message}`, { field: where, hint: mjmlHint });
}

/** As `compileMjml`, but everything that is wrong is returned. */
export async function tryMjml(
  template: MaskedTemplate,
): Promise<{ readonly html: string } | { readonly problems: readonly MjmlProblem[] }> {
  const structure = findStructureProblem(template.text);
  if (structure !== undefined) return { problems: [problemAt(template, structure.index, structure.message)] };
  // Loaded only where it is needed: it takes 0.3 s and 55 MB, in every process that might ever freeze or check content.
  const { default: mjml2html } = await import('mjml');
  try {
    const { html } = await mjml2html(template.text, {
      validationLevel: 'strict',
      fonts: {},
      ignoreIncludes: true,
      useMjmlConfigOptions: false,
    });
    return { html: withoutIndentation(withoutRandomIds(withoutWhitePreview(html), template.text)) };
  } catch (error) {
    const errors = (error as { errors?: readonly MjmlError[] }).errors ?? [];
    const all = errors.length > 0 ? errors : [{ line: 1, message: String((error as Error).message) }];
    return { problems: all.map((one) => problemAt(template, indexOf(one, template.text), one.message)) };
  }
}

/** Where an error of MJML's is: it knows the line, and the name of the element. */
function indexOf({ line, tagName }: MjmlError, text: string): number {
  const before = text.split('\n').slice(0, Math.max(0, line - 1));
  const start = before.reduce((length, one) => length + one.length + 1, 0);
  const end = text.indexOf('\n', start);
  const tag =
    tagName === undefined ? -1 : text.slice(start, end < 0 ? undefined : end).indexOf(`<${tagName}`);
  return start + Math.max(0, tag);
}

function problemAt(template: MaskedTemplate, index: number, message: string): MjmlProblem {
  const { line, column } = template.placeOf(index);
  return { line, column, message: `this MJML is wrong: ${template.unmask(message).trim()}.` };
}

/**
 * MJML paints the text of mj-preview white on white besides hiding it, which filters take for a trick of spammers
 * (SpamAssassin's HTML_FONT_LOW_CONTRAST). Hidden it is without that.
 */
function withoutWhitePreview(html: string): string {
  return html.replace(
    '<div style="display:none;font-size:1px;color:#ffffff;',
    '<div style="display:none;font-size:1px;',
  );
}

/** MJML gives its menus and carousels random ids of 16 hexadecimal digits; frozen content must not change with each try. */
function withoutRandomIds(html: string, source: string): string {
  const names = new Map<string, string>();
  return html.replace(/\b[0-9a-f]{16}\b/g, (id) => {
    if (source.includes(id)) return id;
    const name = names.get(id) ?? `${names.size + 1}`.padStart(16, '0');
    names.set(id, name);
    return name;
  });
}

/** MJML's indentation is a third of its HTML, and is sent to everybody. It means something only inside `pre`. */
function withoutIndentation(html: string): string {
  return /<(?:pre|textarea)\b/i.test(html) ? html : html.replace(/[ \t]*\n\s*/g, '\n');
}
