import mjml2html from 'mjml';
import { InputError } from '../domain/errors.ts';
import type { MaskedTemplate } from './liquid-mask.ts';
import { findStructureProblem } from './mjml-structure.ts';

interface MjmlProblem {
  readonly line: number;
  readonly message: string;
}

/**
 * Compiles masked MJML to HTML, strictly: what MJML finds wrong, and what it would leave out in silence, is an error.
 * The same template gives the same HTML. Fonts are loaded only where the template itself says so with `mj-font`.
 *
 * @throws InputError TEMPLATE_MJML with file and line.
 */
export async function compileMjml(template: MaskedTemplate, file: string): Promise<string> {
  const structure = findStructureProblem(template.text);
  if (structure !== undefined) throw wrong(template, file, structure);
  try {
    const { html } = await mjml2html(template.text, {
      validationLevel: 'strict',
      fonts: {},
      ignoreIncludes: true,
      useMjmlConfigOptions: false,
    });
    return withoutIndentation(withoutRandomIds(html, template.text));
  } catch (error) {
    const first = (error as { errors?: readonly MjmlProblem[] }).errors?.[0];
    throw wrong(template, file, first ?? { line: 1, message: String((error as Error).message) });
  }
}

function wrong(template: MaskedTemplate, file: string, { line, message }: MjmlProblem): InputError {
  const where = `${file}:${template.originalLine(line)}`;
  return new InputError(
    'TEMPLATE_MJML',
    `${where}: this MJML is wrong: ${template.unmask(message).trim()}.`,
    {
      field: where,
      hint: 'The elements and their attributes are described at https://documentation.mjml.io.',
    },
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
