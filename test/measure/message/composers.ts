import { generateKeyPairSync } from 'node:crypto';
import nodemailer from 'nodemailer';
import MailComposer from 'nodemailer/lib/mail-composer';
import { generateKeys, readKeys } from '../../../src/config/keys.ts';
import type { Recipient } from '../../../src/contacts/audience/recipient.ts';
import { MessageComposer } from '../../../src/message/compose.ts';
import type { FrozenContent } from '../../../src/message/content.ts';
import { createDkimSigner } from '../../../src/message/dkim/dkim.ts';

export interface Case {
  readonly kilobytes: number;
  /** Values of the recipient in the HTML: their name, and links with their token. */
  readonly slots: number;
  readonly dkim: boolean;
}

export const cases: readonly Case[] = [false, true].flatMap((dkim) =>
  [2, 15, 100].flatMap((kilobytes) => [1, 10].map((slots) => ({ kilobytes, slots, dkim }))),
);

const keys = readKeys(generateKeys());
const domain = 'example.com';
const selector = 'bench';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const baseUrl = 'https://mail.example.com';
const paragraph =
  '<p style="margin:0 0 16px;font:16px/24px Georgia,serif;color:#333">The evenings are drawing in, and with them comes the season of mending by lamplight.</p>\n';
const text = 'Dear {{ contact.firstName }},\n\nthe evenings are drawing in.\n';

function htmlOf({ kilobytes, slots }: Case): string {
  const links = Array.from(
    { length: slots - 1 },
    (_, link) =>
      `<a href="${baseUrl}/c/{{ _exm.token }}/${link}" style="color:#9a3412">Look at number ${link}</a>\n`,
  ).join('');
  const head = `<!doctype html><html><body><h1>Dear {{ contact.firstName }}</h1>\n${links}`;
  const paragraphs = Math.max(0, Math.round((kilobytes * 1_024 - head.length) / paragraph.length));
  return `${head}${paragraph.repeat(paragraphs)}</body></html>\n`;
}

function recipientAt(position: number): Recipient {
  return {
    contactId: 1_000 + position,
    email: `ada${position}@example.org`,
    firstName: 'Ada',
    lastName: 'Lovelace',
    language: 'en',
    facets: {},
  };
}

/** Both make the same mail: a text part, the HTML, and the headers of a newsletter. */
export function composers(
  one: Case,
): Record<'mailComposer' | 'skeleton', (position: number) => Promise<Buffer>> {
  const html = htmlOf(one);
  const content: FrozenContent = {
    campaignId: 'bench-0000',
    name: 'Bench',
    from: { name: 'News', address: `news@${domain}` },
    baseUrl,
    values: {},
    defaultLanguage: 'en',
    bodies: [{ variant: 0, language: 'en', subject: 'Hello {{ contact.firstName }}', html, text }],
    links: [],
    goals: [],
  };
  const composer = new MessageComposer(
    content,
    keys,
    one.dkim ? { signer: createDkimSigner({ domain, selector, privateKey }) } : {},
  );
  return {
    skeleton: async (position) => (await composer.compose(recipientAt(position), position, 0, 'en')).raw,
    mailComposer: async (position) => await withNodemailer(html, position, one.dkim),
  };
}

const streaming = nodemailer.createTransport({
  streamTransport: true,
  buffer: true,
  newline: 'windows',
  dkim: {
    domainName: domain,
    keySelector: selector,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  },
});

/** Tokens and names are put in by the quickest means there is: what is measured is the composing. */
async function withNodemailer(html: string, position: number, dkim: boolean): Promise<Buffer> {
  const { email, firstName, lastName, contactId } = recipientAt(position);
  const token = `U46NPqnqTFLfiSQAJh7_RP5-7ZwqtEpSVpLS${contactId}`;
  const fill = (source: string) =>
    source.replaceAll('{{ contact.firstName }}', firstName).replaceAll('{{ _exm.token }}', token);
  const mail = {
    from: { name: 'News', address: `news@${domain}` },
    to: { name: `${firstName} ${lastName}`, address: email },
    subject: fill('Hello {{ contact.firstName }}'),
    messageId: `<bench-0000.${position}@${domain}>`,
    text: fill(text),
    html: fill(html),
    textEncoding: 'quoted-printable' as const,
    headers: {
      'List-Unsubscribe': `<${baseUrl}/u/${token}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'List-Id': '<news.example.com>',
      'Feedback-ID': 'bench-0000:variant-0:en:examplecom',
    },
  };
  if (!dkim) return await new MailComposer({ ...mail, newline: '\r\n' }).compile().build();
  return (await streaming.sendMail(mail)).message as Buffer;
}
