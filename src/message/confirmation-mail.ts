import { createHash } from 'node:crypto';
import { type Html, html } from '../html.ts';
import { type PageLanguage, pageTexts } from '../tracking/pages/texts.ts';
import type { ComposedMessage, Mailbox } from './content.ts';
import type { DkimSigner } from './dkim/dkim.ts';
import { asciiAddress, domainOf } from './mailbox.ts';
import { dateField, mailboxField, plainField, textField } from './mime/header.ts';
import { headerText } from './mime/newsletter-fields.ts';
import { MimeSkeleton } from './mime/skeleton.ts';

/** What the mail says, beside what the person is asked to agree to. */
export interface ConfirmationWords {
  readonly subject: string;
  readonly title: string;
  readonly lead: string;
  /** On the button. */
  readonly submit: string;
  readonly ignore: string;
}

export interface ConfirmationMail {
  readonly requestId: string;
  readonly sender: Mailbox;
  /** As it stands in an envelope: see `sendableAddress`. */
  readonly to: string;
  readonly language: PageLanguage;
  readonly words: ConfirmationWords;
  /** What the person is asked to agree to. */
  readonly wording: string;
  readonly link: string;
  readonly days: number;
  readonly signer?: DkimSigner | undefined;
  readonly now?: Date;
}

const subjectMaximum = 200;
const nameMaximum = 200;

/**
 * The mail that asks to confirm a subscription or another address. Every word in it is ours or the operator's: somebody who fills in the form
 * with another's address cannot have their own words delivered. A repeated one has the same Message-ID.
 */
export async function composeConfirmation(mail: ConfirmationMail): Promise<ComposedMessage> {
  const { sender, to, words, signer, now = new Date() } = mail;
  const skeleton = MimeSkeleton.compile(
    {
      text: { pieces: [textOf(mail)] },
      html: { pieces: [htmlOf(mail).text] },
      embedded: [],
      attachments: [],
      files: new Map(),
    },
    'quoted-printable',
  );
  if (skeleton === undefined) throw new RangeError('quoted-printable takes every text');
  const from = asciiAddress(sender.address);
  // Nobody who knows the id may learn the link, and nobody who sees the mail the id: a hash says neither.
  const mark = createHash('sha256').update(mail.requestId).digest('hex').slice(0, 32);
  const messageId = `<subscription.${mark}@${domainOf(from)}>`;
  const boundary = `=_${mark}`;
  const head =
    mailboxField('From', { name: headerText(sender.name, nameMaximum), address: from }) +
    mailboxField('To', { name: '', address: to }) +
    textField('Subject', headerText(words.subject, subjectMaximum)) +
    dateField(now) +
    `Message-ID: ${messageId}\r\n` +
    plainField('Auto-Submitted', 'auto-generated') +
    skeleton.fields(boundary);
  const body = skeleton.write('', { html: [], text: [] }, boundary);
  const signature = signer?.signsFor(from) ? await signer.sign(head, body) : '';
  const raw = Buffer.concat([Buffer.from(`${signature}${head}\r\n`), body]);
  return { envelope: { from, to }, messageId, raw, encoding: '7bit', isCanonical: true };
}

function textOf({ language, sender, words, wording, link, days }: ConfirmationMail): string {
  const { title, lead, submit, ignore } = words;
  const valid = pageTexts(language).mail.valid(days);
  const signed = sender.name || sender.address;
  return [title, lead, wording, `${submit}: ${link}`, valid, ignore, signed, ''].join('\n\n');
}

function htmlOf({ language, sender, words, wording, link, days }: ConfirmationMail): Html {
  const { title, lead, submit, ignore } = words;
  const valid = pageTexts(language).mail.valid(days);
  const font = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Arial,sans-serif';
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${words.subject}</title>
</head>
<body style="margin:0;padding:24px 16px">
<div style="max-width:520px;margin:0 auto;${font};font-size:16px;line-height:1.55">
<p style="margin:0 0 8px;font-size:14px;font-weight:600">${sender.name || sender.address}</p>
<h1 style="margin:0 0 16px;font-size:24px;line-height:1.25">${title}</h1>
<p style="margin:0 0 16px">${lead}</p>
<p style="margin:0 0 24px;padding:12px 16px;border:1px solid #b8b5ad;border-radius:8px">${wording}</p>
<p style="margin:0 0 24px"><a href="${link}" style="display:inline-block;padding:14px 28px;border-radius:10px;background:#1f5f4a;color:#ffffff;font-weight:600;text-decoration:none">${submit}</a></p>
<p style="margin:0 0 8px;font-size:14px">${valid}</p>
<p style="margin:0;font-size:14px">${ignore}</p>
</div>
</body>
</html>
`;
}
