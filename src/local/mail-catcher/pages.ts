import { type Html, html } from '../../html.ts';
import type { MailSummary } from './mail-store.ts';
import { decodeHeader, displayName, type MessageView } from './message-view.ts';
import { type Return, returns } from './send-back.ts';

export const views = ['html', 'text', 'headers', 'source', 'attachments'] as const;
export type View = (typeof views)[number];

function layout(title: string, search: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
<script src="/app.js" defer></script>
</head>
<body>
<header class="bar">
<a class="brand" href="/">✉ Mail catcher</a>
<form action="/" role="search"><input type="search" name="q" value="${search}" placeholder="Search by address or subject" aria-label="Search"></form>
<button id="clear" type="button">Remove all</button>
</header>
<main>${body}</main>
</body>
</html>`.text;
}

export interface ListPage {
  readonly mails: readonly MailSummary[];
  /** All that match the search. */
  readonly total: number;
  readonly newest: number;
  readonly search: string;
  /** Set where this is not the first page. */
  readonly before: number | undefined;
  /** Whether older ones follow. */
  readonly more: boolean;
}

export function listPage(page: ListPage): string {
  const { mails, total, newest, search, before, more } = page;
  const at = (id?: number) => {
    const query = new URLSearchParams({
      ...(search ? { q: search } : {}),
      ...(id ? { before: String(id) } : {}),
    });
    return query.size === 0 ? '/' : `/?${query}`;
  };
  const empty = search
    ? html`Nothing matches “${search}”.`
    : html`No messages yet. What is sent to this server appears here and goes nowhere else.`;
  const rows =
    mails.length === 0
      ? html`<div class="empty">${empty}</div>`
      : html`<ul class="mails">${mails.map(row)}</ul>`;
  const paging =
    before === undefined && !more
      ? undefined
      : html`<nav class="paging"><a class="button ${before === undefined ? 'off' : ''}" href="${at()}">Newest</a>
<a class="button ${more ? '' : 'off'}" href="${at(mails.at(-1)?.id)}">Older</a></nav>`;
  const body = html`<div class="above"><h1>${search ? 'Found' : 'Inbox'}</h1><span class="soft">${count(total)}</span></div>
<div class="card" data-newest="${newest}">${rows}</div>${paging}`;
  return layout(search ? `${search} · Mail catcher` : 'Mail catcher', search, body);
}

function row(mail: MailSummary): Html {
  const subject = decodeHeader(mail.subject) || '(no subject)';
  return html`<li><a href="/messages/${mail.id}"><span class="to">${recipients(mail)}</span><span class="subject">${subject}</span><span class="size">${bytes(mail.size)}</span>${time(mail.at)}</a></li>`;
}

export interface MessagePage {
  readonly mail: MailSummary;
  readonly message: MessageView;
  /** The message as it came, cut where it is long. */
  readonly source: string;
  readonly view: View;
  readonly phone: boolean;
  /** Whether the message can be sent back. */
  readonly canReturn: boolean;
  /** As what it has just been sent back. */
  readonly returned: Return | undefined;
  readonly newer: number | undefined;
  readonly older: number | undefined;
}

export function messagePage(page: MessagePage): string {
  const { mail, message, newer, older } = page;
  const subject = message.subject || '(no subject)';
  const header = (name: string) => message.headers.find((entry) => entry.name.toLowerCase() === name)?.value;
  const body = html`<div class="above"><a class="soft" href="/">← All messages</a><span>
<a class="button ${newer === undefined ? 'off' : ''}" href="/messages/${newer ?? ''}">Newer</a>
<a class="button ${older === undefined ? 'off' : ''}" href="/messages/${older ?? ''}">Older</a></span></div>
<article class="card message">
<div class="top"><h1>${subject}</h1>
<dl><dt>From</dt><dd>${header('from') ?? mail.from}</dd><dt>To</dt><dd>${header('to') ?? recipients(mail)}</dd>
<dt>Envelope</dt><dd>${mail.from || '<>'} → ${mail.to.join(', ')}</dd>
<dt>Arrived</dt><dd>${time(mail.at)} · ${bytes(mail.size)}</dd></dl>${page.canReturn && returning(page)}</div>
<nav class="tabs">${tabs(page)}</nav>
${content(page)}
</article>`;
  return layout(`${subject} · ${displayName(header('from') ?? mail.from)}`, '', body);
}

const returnTitles: Record<Return, string> = {
  'no-such-user': 'Bounce: no such user',
  'mailbox-full': 'Bounce: mailbox full',
  complaint: 'Complaint',
};

/** What the recipient's side might do with the message: for trying out what follows from it. */
function returning({ mail, returned }: MessagePage): Html {
  const told =
    returned !== undefined &&
    html`<p role="status">Sent back: ${returnTitles[returned]}. “exm feedback ls” shows what became of it.</p>`;
  return html`${told}<form class="back" method="post" action="/messages/${mail.id}/return"><span class="soft">Send back as</span>
${returns.map((as) => html`<button name="as" value="${as}">${returnTitles[as]}</button>\n`)}</form>`;
}

function tabs({ mail, message, view, phone }: MessagePage): Html[] {
  const shown: Record<View, string | undefined> = {
    html: message.html === undefined ? undefined : 'HTML',
    text: message.text === undefined ? undefined : 'Text',
    headers: 'Headers',
    source: 'Source',
    attachments: message.attachments.length === 0 ? undefined : `Attachments (${message.attachments.length})`,
  };
  const links = views
    .filter((name) => shown[name] !== undefined)
    .map((name) =>
      name === view
        ? html`<a href="/messages/${mail.id}?view=${name}" aria-current="page">${shown[name]}</a>`
        : html`<a href="/messages/${mail.id}?view=${name}">${shown[name]}</a>`,
    );
  if (view === 'html') {
    const width = phone
      ? html`<a href="/messages/${mail.id}?view=html">Full width</a>`
      : html`<a href="/messages/${mail.id}?view=html&amp;width=phone">Phone width</a>`;
    links.push(html`<span class="fill"></span>${width}`);
  } else {
    links.push(html`<span class="fill"></span>`);
  }
  return [...links, html`<a href="/api/messages/${mail.id}/raw" download>Download .eml</a>`];
}

function content({ mail, message, view, phone, source }: MessagePage): Html {
  switch (view) {
    case 'html':
      return html`<iframe class="${phone ? 'phone' : ''}" src="/messages/${mail.id}/html" title="The message" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>`;
    case 'text':
      return html`<pre>${message.text ?? ''}</pre>`;
    case 'headers':
      return html`<dl class="headers">${message.headers.map(({ name, value }) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
    case 'source':
      return html`<pre>${source}</pre>`;
    case 'attachments':
      return html`<ul class="files">${message.attachments.map(
        (part) =>
          html`<li><a href="/messages/${mail.id}/parts/${part.number}" download>${part.filename}</a> <span class="soft">${part.mimeType}, ${bytes(part.size)}</span></li>`,
      )}</ul>`;
  }
}

/** The tab that a message opens with. */
export function defaultView(message: MessageView): View {
  if (message.html !== undefined) return 'html';
  return message.text !== undefined ? 'text' : 'source';
}

function recipients({ to }: MailSummary): string {
  return to.length > 1 ? `${to[0]} and ${to.length - 1} more` : (to[0] ?? '(nobody)');
}

function count(total: number): string {
  return total === 1 ? '1 message' : `${total.toLocaleString('en')} messages`;
}

function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1_000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}

/** In UTC here; the page's script shows it in local time. */
function time(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}
