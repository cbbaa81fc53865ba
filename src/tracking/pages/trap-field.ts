import { type Html, html } from '../../html.ts';
import { type PageLanguage, pageTexts } from './texts.ts';

/** A field that no person sees, and programs fill in. Its name means nothing to a browser that fills in forms. */
export const trapField = 'motto';

export function trapFieldHtml(language: PageLanguage): Html {
  return html`<div class="trap" aria-hidden="true"><label for="${trapField}">${pageTexts(language).subscribe.trap}</label>
<input type="text" id="${trapField}" name="${trapField}" tabindex="-1" autocomplete="off"></div>`;
}
