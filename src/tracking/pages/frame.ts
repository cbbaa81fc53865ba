import { createHash } from 'node:crypto';
import { Html, html } from '../../html.ts';
import { style } from './style.ts';
import type { PageLanguage } from './texts.ts';

/** A page with its status. Pages need no script, image or font, and nothing from another server. */
export interface Page {
  readonly status: number;
  readonly html: string;
}

/** Content-Security-Policy of our pages: this one style sheet and a form to this very server, nothing else. */
export const pageSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface Frame {
  readonly language: PageLanguage;
  /** Default 200. */
  readonly status?: number;
  readonly title: string;
  /** The sender's name; empty where it is not known. */
  readonly sender?: string;
}

/** The frame that all pages have in common around what they say. */
export function page(
  { language, status = 200, title, sender = '' }: Frame,
  ...content: readonly Part[]
): Page {
  // A paragraph that is not there leaves no empty line either.
  const parts = content.filter((part): part is Html => part instanceof Html && part.text !== '');
  const { text } = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${sender === '' ? title : `${title} – ${sender}`}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${sender !== '' && html`<p class="from">${sender}</p>\n`}<h1>${title}</h1>
${parts.map((part) => html`${part}\n`)}</main>
</body>
</html>
`;
  return { status, html: text };
}

/** Something of a page, or nothing. */
export type Part = Html | '' | false | undefined;

/** @param look `small`, `hint` or `notice` */
export function paragraph(text: string, look?: 'small' | 'hint' | 'notice'): Html {
  if (look === undefined) return html`<p>${text}</p>`;
  return look === 'notice'
    ? html`<p class="notice" role="alert">${text}</p>`
    : html`<p class="${look}">${text}</p>`;
}

/** A link on a line of its own. */
export function linkLine(href: string, text: string): Html {
  return html`<p><a class="line" href="${href}">${text}</a></p>`;
}

/** `ada@example.com` as `a•••@example.com`: enough to know one's own, too little to learn somebody else's. */
export function maskAddress(email: string): string {
  const at = email.lastIndexOf('@');
  if (at < 1) return '';
  const [first = ''] = email;
  return `${first}•••${email.slice(at)}`;
}
