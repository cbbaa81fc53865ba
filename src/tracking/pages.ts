import { createHash } from 'node:crypto';
import { escapeHtml } from '../html.ts';
import { type PageLanguage, type PageTexts, pageTexts } from './page-texts.ts';

/** A page with its status. Pages need no script, image or font, and nothing from another server. */
export interface Page {
  readonly status: number;
  readonly html: string;
}

const style = `
*,::before,::after{box-sizing:border-box}
:root{color-scheme:light dark;--ground:#f3f1ec;--card:#fff;--ink:#1f2328;--soft:#59616b;--line:#d9d6cf;
--accent:#1f5f4a;--accent-ink:#fff;--focus:#b45309}
@media (prefers-color-scheme:dark){:root{--ground:#16181b;--card:#212429;--ink:#eceef0;--soft:#aab2bb;--line:#3a3f46;
--accent:#7fd1b2;--accent-ink:#0d1f18;--focus:#fbbf24}}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:24px 16px;
background:var(--ground);color:var(--ink);font:17px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:33rem;background:var(--card);border:1px solid var(--line);border-radius:16px;
padding:clamp(24px,6vw,44px);overflow-wrap:anywhere}
.from{margin:0 0 8px;color:var(--soft);font-size:.875rem;font-weight:600;letter-spacing:.02em}
h1{margin:0 0 12px;font-size:clamp(1.5rem,5.5vw,1.9rem);line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
p{margin:0 0 16px}p:last-child{margin-bottom:0}
form{display:grid;gap:20px;margin:28px 0}
.hint{margin:6px 0 0;color:var(--soft);font-size:.9375rem}
.small{color:var(--soft);font-size:.9375rem}
.notice{border-left:4px solid var(--focus);padding-left:14px}
button{width:100%;min-height:52px;padding:12px 20px;border-radius:10px;border:2px solid var(--accent);
font:inherit;font-weight:600;cursor:pointer;background:transparent;color:var(--accent)}
button.first{background:var(--accent);color:var(--accent-ink)}
button:hover{filter:brightness(1.08)}
:focus-visible{outline:3px solid var(--focus);outline-offset:3px}
@media (prefers-contrast:more){main{border-color:currentColor}.hint,.small,.from{color:inherit}}
`;

/** Content-Security-Policy of our pages: this one style sheet and a form to this very server, nothing else. */
export const pageSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface UnsubscribePageOptions {
  readonly language: PageLanguage;
  /** The sender's name. */
  readonly sender: string;
  /** Whose mail it is; shown masked, for messages are passed on. */
  readonly email: string;
  /** Set where the last attempt failed. */
  readonly failed?: 'unavailable' | 'badRequest';
}

export function unsubscribePage({ language, sender, email, failed }: UnsubscribePageOptions): Page {
  const texts = pageTexts(language);
  const { unsubscribe, unavailable, badRequest } = texts;
  const notice = failed === 'unavailable' ? unavailable.unsubscribe : failed ? badRequest.lead : undefined;
  const status = failed === undefined ? 200 : failed === 'unavailable' ? 503 : 400;
  return page(language, status, failed === undefined ? unsubscribe.title : texts[failed].title, sender, [
    notice === undefined ? '' : `<p class="notice" role="alert">${escapeHtml(notice)}</p>`,
    paragraph(unsubscribe.lead(sender, maskAddress(email))),
    '<form method="post">',
    button('all', unsubscribe.all, unsubscribe.allHint, 'first'),
    button('lists', unsubscribe.lists, unsubscribe.listsHint),
    '</form>',
    paragraph(unsubscribe.keep, 'small'),
  ]);
}

export function unsubscribedPage(
  { language, sender, email }: UnsubscribePageOptions,
  result: 'all' | 'lists' | 'already',
): Page {
  const { done, already } = pageTexts(language);
  const address = maskAddress(email);
  if (result === 'already')
    return page(language, 200, already.title, sender, [paragraph(already.lead(address))]);
  return page(language, 200, done.title, sender, [
    paragraph(result === 'all' ? done.all(address) : done.lists),
    paragraph(done.queued, 'small'),
  ]);
}

/** A page of a title and a sentence. */
export function plainPage(
  language: PageLanguage,
  which: 'notFound' | 'unavailable' | 'badRequest' | 'gone' | 'test',
): Page {
  const status = { notFound: 404, unavailable: 503, badRequest: 400, gone: 200, test: 200 }[which];
  const { title, lead }: Pick<PageTexts['gone'], 'title' | 'lead'> = pageTexts(language)[which];
  return page(language, status, title, '', [paragraph(lead)]);
}

/** `ada@example.com` as `a•••@example.com`: enough to know one's own, too little to learn somebody else's. */
export function maskAddress(email: string): string {
  const at = email.lastIndexOf('@');
  if (at < 1) return '';
  const [first = ''] = email;
  return `${first}•••${email.slice(at)}`;
}

function button(scope: string, label: string, hint: string, look = ''): string {
  const id = `hint-${scope}`;
  return `<div><button class="${look}" name="scope" value="${scope}" aria-describedby="${id}">${escapeHtml(label)}</button>
<p class="hint" id="${id}">${escapeHtml(hint)}</p></div>`;
}

function paragraph(text: string, look?: string): string {
  return `<p${look === undefined ? '' : ` class="${look}"`}>${escapeHtml(text)}</p>`;
}

function page(
  language: PageLanguage,
  status: number,
  title: string,
  sender: string,
  content: readonly string[],
): Page {
  const from = sender === '' ? '' : `<p class="from">${escapeHtml(sender)}</p>\n`;
  return {
    status,
    html: `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(sender === '' ? title : `${title} – ${sender}`)}</title>
<style>${style}</style>
</head>
<body>
<main>
${from}<h1>${escapeHtml(title)}</h1>
${content.filter((line) => line !== '').join('\n')}
</main>
</body>
</html>
`,
  };
}
