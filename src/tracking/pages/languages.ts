import { type Html, html } from '../../html.ts';

/** Options of a choice of languages, each under the name that its speakers give it. */
export function languageOptions(tags: readonly string[], chosen: string): Html[] {
  return [...new Set(tags)]
    .filter((tag) => tag !== '')
    .map((tag) => ({ tag, name: ownName(tag) }))
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(
      ({ tag, name }) =>
        html`<option value="${tag}" lang="${tag}"${tag === chosen && html` selected`}>${name}</option>
`,
    );
}

function ownName(tag: string): string {
  try {
    const name = new Intl.DisplayNames([tag, 'en'], { type: 'language' }).of(tag) ?? tag;
    return name.slice(0, 1).toLocaleUpperCase(tag) + name.slice(1);
  } catch {
    return tag;
  }
}
