import { html } from '../../html.ts';
import { layout } from './layout.ts';

/** A page that says one thing, such as that there is no such page. */
export function messagePage(title: string, message: string): string {
  return layout({
    title,
    body: html`<p class="crumbs"><a href="/">Campaigns</a></p>
<div class="head"><h1>${title}</h1></div>
<section class="card">${message}</section>`,
  });
}
