/** Where an element's tag stands, as parse5 tells it. */
export interface ElementPlace {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly startTag?: { readonly endOffset: number };
  readonly attrs?: Readonly<Record<string, { readonly startOffset: number; readonly endOffset: number }>>;
}

/** Declarations for an element, without a semicolon at the end: those that its own style overrules, and those that it does not. */
export interface Declarations {
  readonly normal: readonly string[];
  readonly important: readonly string[];
}

interface Edit {
  readonly begin: number;
  readonly end: number;
  readonly text: string;
}

/** Adds declarations to the `style` attributes of elements. Everything else stays as it was, character by character. */
export function addStyles(html: string, styles: ReadonlyMap<ElementPlace, Declarations>): string {
  const edits = new Map<number, Edit>();
  for (const [place, declarations] of styles) {
    const edit = editFor(html, place, declarations);
    // The tree may have an element twice that was opened once, as in <b><p></b></p>.
    if (edit !== undefined && !edits.has(edit.begin)) edits.set(edit.begin, edit);
  }
  let text = '';
  let copied = 0;
  for (const { begin, end, text: added } of [...edits.values()].sort((a, b) => a.begin - b.begin)) {
    text += html.slice(copied, begin) + added;
    copied = end;
  }
  return text + html.slice(copied);
}

function editFor(html: string, place: ElementPlace, declarations: Declarations): Edit | undefined {
  const own = place.attrs?.['style'];
  if (own !== undefined)
    return replaceStyle(html.slice(own.startOffset, own.endOffset), own.startOffset, declarations);
  const tag = html.slice(place.startOffset, place.startTag?.endOffset ?? place.endOffset);
  const name = /^<[^\s/>]+/.exec(tag)?.[0];
  // A style that Liquid puts into the tag would be lost behind another one.
  if (name === undefined || /style\s*=/i.test(tag)) return undefined;
  const at = place.startOffset + name.length;
  const all = [...declarations.normal, ...declarations.important].join(';');
  return all === '' ? undefined : { begin: at, end: at, text: ` style="${quote(all, '"')}"` };
}

/** The element's own declarations stay as they are; they may be Liquid. */
function replaceStyle(
  attribute: string,
  begin: number,
  { normal, important }: Declarations,
): Edit | undefined {
  const written = /^([^=]*=\s*)(?:"([^"]*)"|'([^']*)'|([\s\S]*))$/.exec(attribute);
  const [name = 'style=', double, single, bare = ''] = written?.slice(1) ?? [];
  const mark = single === undefined ? '"' : "'";
  const own = double ?? single ?? bare;
  const overruled = new Set(
    [...own.matchAll(/(?:^|;)\s*([a-z-]+)\s*:/gi)].map(([, property = '']) => property.toLowerCase()),
  );
  const added = normal.filter((one) => !overruled.has(propertyOf(one)));
  const parts = [
    quote(added.join(';'), mark),
    own.trim().replace(/;$/, ''),
    quote(important.join(';'), mark),
  ].filter((part) => part !== '');
  return { begin, end: begin + attribute.length, text: `${name}${mark}${parts.join(';')}${mark}` };
}

function propertyOf(declaration: string): string {
  return declaration.slice(0, declaration.indexOf(':')).trim().toLowerCase();
}

/** Text between quotation marks of one kind; CSS takes the other kind as well. */
function quote(css: string, mark: '"' | "'"): string {
  const other = mark === '"' ? "'" : '"';
  return css.replaceAll('&', '&amp;').replaceAll(mark, other);
}

/** Takes the text of a style attribute apart at its semicolons, but for those in quotes and brackets. */
export function splitDeclarations(css: string): Declarations {
  const parts = css.match(/(?:"[^"]*"|'[^']*'|\((?:"[^"]*"|'[^']*'|[^()"'])*\)|[^;"'(])+/g) ?? [];
  const all = parts.map((part) => part.trim()).filter((part) => part !== '');
  const isImportant = (one: string) => /!\s*important$/i.test(one);
  return {
    normal: all.filter((one) => !isImportant(one)),
    // Said last, it counts; with the word, no media query could say otherwise.
    important: all.filter(isImportant).map((one) => one.replace(/\s*!\s*important$/i, '')),
  };
}
