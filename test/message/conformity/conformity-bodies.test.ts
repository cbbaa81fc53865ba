import { createHash } from 'node:crypto';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recipient } from '../../../src/contacts/audience/recipient.ts';
import { MessageComposer } from '../../../src/message/compose.ts';
import type { FileReference, MessageEncoding } from '../../../src/message/content.ts';
import { expectQuotedPrintable, leaves, partsOf, type RawPart, takeApart } from '../../support/mail-rules.ts';
import { noPython, readWithPython } from '../../support/python-mail.ts';
import { type MailPath, openMailPath } from '../../support/received-mail.ts';
import { ada, freeze, keys, recipient } from '../fixtures.ts';

let path: MailPath;
beforeAll(async () => {
  path = await openMailPath();
});
afterAll(async () => await path.close());

const encodings: MessageEncoding[] = ['7bit', '8bit'];

interface Files {
  readonly attachments?: readonly [name: string, bytes: Buffer, type?: string][];
  readonly embedded?: readonly [cid: string, name: string, bytes: Buffer][];
}

/** What a mail server received, and the message as it was composed. */
async function sent(
  change: NonNullable<Parameters<typeof freeze>[0]>,
  {
    to = ada,
    encoding = '7bit',
    attachments = [],
    embedded = [],
  }: { to?: Recipient; encoding?: MessageEncoding } & Files = {},
) {
  const files = new Map<string, Buffer>();
  const reference = (name: string, bytes: Buffer, type: string): FileReference => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    files.set(hash, bytes);
    return { hash, name, type, size: bytes.length };
  };
  const content = {
    ...(await freeze(change)),
    attachments: attachments.map(([name, bytes, type = 'application/pdf']) => reference(name, bytes, type)),
    embedded: embedded.map(([cid, name, bytes]) => ({ ...reference(name, bytes, 'image/png'), cid })),
  };
  const message = await new MessageComposer(content, keys, { files }).compose(to, 7, 0, 'en', { encoding });
  return { message, received: await path.send(message) };
}

/** The tree of types, as `multipart/alternative(text/plain, text/html)`. */
function shape({ type, parts }: RawPart): string {
  return parts.length === 0 ? type : `${type}(${parts.map(shape).join(', ')})`;
}

function treeOf(raw: Buffer): RawPart {
  const text = raw.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  return partsOf(text.slice(0, end), text.slice(end + 4));
}

const bytes = (text: string) => Buffer.from(text);
const letters = 'Grüße, 你好, 🎉 and = at the end =\n';

describe('bodies', () => {
  test.each([
    ['plain', {}, 'multipart/alternative(text/plain, text/html)'],
    [
      'with an attachment',
      { attachments: [['a.pdf', bytes('PDF')]] },
      'multipart/mixed(multipart/alternative(text/plain, text/html), application/pdf)',
    ],
    [
      'with an embedded image',
      { embedded: [['logo@exm', 'logo.png', bytes('PNG')]] },
      'multipart/alternative(text/plain, multipart/related(text/html, image/png))',
    ],
    [
      'with both',
      { attachments: [['a.pdf', bytes('PDF')]], embedded: [['logo@exm', 'logo.png', bytes('PNG')]] },
      'multipart/mixed(multipart/alternative(text/plain, multipart/related(text/html, image/png)), application/pdf)',
    ],
  ] satisfies [string, Files, string][])(
    '%s have the parts of RFC 2046 and 2387, the best alternative last',
    async (_, files, expected) => {
      for (const encoding of encodings) {
        const { received } = await sent(
          { html: `<p>${letters}</p><img src="cid:logo@exm" alt="">` },
          { encoding, ...files },
        );
        takeApart(received.raw);
        const tree = treeOf(received.raw);
        expect(shape(tree)).toBe(expected);
        const related =
          leaves(tree).length > 2 &&
          /multipart\/related[^\r]*(?:\r\n[ \t][^\r]*)*/i.exec(received.raw.toString('latin1'));
        // RFC 2387 section 3.1: the type of the part that is shown is named.
        if (related) expect(related[0]).toMatch(/;\s*type="text\/html"/);
      }
    },
  );

  test.each(encodings)('are in the %s that their parts say', async (encoding) => {
    const { message, received } = await sent(
      {
        html: `<html><body><p>${letters}{{ contact.facets.story }}</p></body></html>`,
        text: `${letters}{{ contact.facets.story }}`,
      },
      { encoding, to: recipient({ facets: { story: 'é'.repeat(80) } }) },
    );
    expect(message.encoding).toBe(encoding);
    expect(received.parameters.includes('BODY=8BITMIME')).toBe(encoding === '8bit');
    for (const { header, content } of leaves(treeOf(received.raw))) {
      expect(header).toMatch(/^content-type: text\/(?:plain|html);\s*charset="?utf-8"?$/im);
      const said = /^content-transfer-encoding: (.*)$/im.exec(header)?.[1];
      expect(said).toBe(encoding === '8bit' ? '8bit' : 'quoted-printable');
      if (said === 'quoted-printable') expectQuotedPrintable(content);
      else
        expect(() =>
          new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(content, 'latin1')),
        ).not.toThrow();
    }
    if (encoding === '7bit') expect(received.raw.every((byte) => byte < 128)).toBe(true);
  });

  test.each([
    ['one line of 5,000 bytes in the template', 'x'.repeat(5_000), 'x'],
    ['one line of 5,000 bytes in a value', 'x', 'x'.repeat(5_000)],
    ['a line of 300 characters of 4 bytes', 'x', '🎉'.repeat(300)],
    ['994 bytes and a value of 20', 'x'.repeat(985), 'y'.repeat(20)],
  ])('have no line over 998 bytes, whatever they hold: %s', async (_, inTemplate, story) => {
    for (const encoding of encodings) {
      const { received } = await sent(
        {
          html: `<p>${inTemplate} {{ contact.facets.story }}</p>`,
          text: `${inTemplate} {{ contact.facets.story }}`,
        },
        { encoding, to: recipient({ facets: { story } }) },
      );
      takeApart(received.raw);
      const mail = await PostalMime.parse(received.raw);
      expect(mail.html).toContain(`<p>${inTemplate} ${story}</p>`);
      expect(mail.text?.trimEnd()).toBe(`${inTemplate} ${story}`);
    }
  });

  test.each(encodings)('whose lines begin with dots arrive byte for byte (%s)', async (encoding) => {
    const dots = '.\n..\n...x\n.\n\n.hidden\nend.\n.';
    const { message, received } = await sent(
      {
        html: `<pre>\n${dots}\n{{ contact.facets.story }}</pre>`,
        text: `${dots}\n{{ contact.facets.story }}`,
      },
      { encoding, to: recipient({ facets: { story: '.\r\n.\r\nMAIL FROM:<eve@example.com>\r\n..' } }) },
    );
    expect(received.raw).toEqual(message.raw);
    const mail = await PostalMime.parse(received.raw);
    expect(mail.text?.trimEnd()).toBe(`${dots}\n.\n.\nMAIL FROM:<eve@example.com>\n..`);
  });

  test.each(encodings)(
    'with every kind of newline and control character are lines of CRLF (%s)',
    async (encoding) => {
      const story = 'a\rb\nc\r\nd\0e\u0007f\u2028g\u0085h\u000bi\fj';
      const { received } = await sent(
        { html: '<pre>{{ contact.facets.story }}</pre>', text: '{{ contact.facets.story }}' },
        { encoding, to: recipient({ facets: { story } }) },
      );
      takeApart(received.raw);
      expect((await PostalMime.parse(received.raw)).text?.trimEnd()).toMatch(/^a\nb\nc\nd/);
    },
  );
});

/** Names of files as they come, and a few that attack. */
const names = [
  'report.pdf',
  'Preisliste März 2026.pdf',
  'прайс-лист.pdf',
  '価格表🎉.pdf',
  'قائمة.pdf',
  'a "quoted" name; with=signs%.pdf',
  "it's 100%.pdf",
  `${'very-long-'.repeat(24)}name.pdf`,
  `${'長い'.repeat(80)}.pdf`,
  'back\\slash.pdf',
];

describe('attachments', () => {
  test.each(encodings)(
    'bear names in every script by RFC 2231, and arrive byte for byte (%s)',
    async (encoding) => {
      const binary = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 7) % 256));
      const { received } = await sent(
        {},
        { encoding, attachments: names.map((name) => [name, Buffer.concat([binary, bytes(name)])]) },
      );
      takeApart(received.raw);
      const mail = await PostalMime.parse(received.raw);
      expect(mail.attachments.map(({ filename }) => filename)).toEqual(names);
      mail.attachments.forEach(({ content, mimeType, disposition }, index) => {
        expect([mimeType, disposition]).toEqual(['application/pdf', 'attachment']);
        expect(Buffer.from(content as ArrayBuffer)).toEqual(
          Buffer.concat([binary, bytes(names[index] ?? '')]),
        );
      });
      for (const part of leaves(treeOf(received.raw)).filter(({ type }) => type === 'application/pdf')) {
        expect(part.header).toMatch(/^content-transfer-encoding: base64$/im);
        for (const line of part.content.split('\r\n')) expect(line).toMatch(/^[A-Za-z0-9+/]{0,76}={0,2}$/);
        for (const line of part.header.split('\r\n')) expect(line.length, line).toBeLessThanOrEqual(78);
      }
    },
  );

  test('of nothing, and of bytes that look like a boundary, are kept apart', async () => {
    const plain = treeOf((await sent({})).received.raw);
    const boundary = /boundary="([^"]*)"/.exec(plain.header)?.[1] ?? '';
    const { received } = await sent(
      { text: `--${boundary}--\r\nSubject: x\r\n\r\n--${boundary}\r\n\r\nx` },
      {
        attachments: [
          ['empty.pdf', bytes('')],
          ['tricky.pdf', bytes(`\r\n--${boundary}--\r\n`)],
        ],
      },
    );
    const mail = await PostalMime.parse(received.raw);
    expect(mail.attachments).toHaveLength(2);
    expect(mail.text).toContain(`--${boundary}--\nSubject: x`);
  });
});

describe("Python's strict parser", () => {
  test.skipIf(noPython !== undefined)(
    `finds no defect in any of them${noPython === undefined ? '' : ` (skipped: ${noPython})`}`,
    async () => {
      const image = Buffer.from('89504e470d0a1a0a', 'hex');
      const raws: Buffer[] = [];
      for (const encoding of encodings) {
        for (const files of [
          {},
          { attachments: names.map((name): [string, Buffer] => [name, bytes(name)]) },
          { embedded: [['logo@exm', 'логотип.png', image]] as [string, string, Buffer][] },
          {
            attachments: [['a.pdf', bytes('PDF')]] as [string, Buffer][],
            embedded: [['logo@exm', 'logo.png', image]] as [string, string, Buffer][],
          },
        ]) {
          const change = {
            html: `<p>${letters}{{ contact.firstName }}</p><img src="cid:logo@exm" alt="">`,
            text: `${letters}{{ contact.firstName }}`,
          };
          raws.push((await sent(change, { encoding, ...files })).received.raw);
        }
      }
      const mails = readWithPython(raws);
      for (const mail of mails) {
        expect(mail.defects).toEqual([]);
        const [text] = mail.parts;
        expect(
          Buffer.from(text?.content ?? '', 'base64')
            .toString('utf8')
            .replaceAll('\r\n', '\n')
            .trimEnd(),
        ).toBe(`${letters}Ada`);
      }
      const attached = mails[1]?.parts.slice(2) ?? [];
      expect(attached.map(({ fileName }) => fileName)).toEqual(names);
      const [, , embedded] = mails[2]?.parts ?? [];
      expect(embedded).toMatchObject({
        fileName: 'логотип.png',
        contentId: '<logo@exm>',
        disposition: 'inline',
        content: image.toString('base64'),
      });
    },
  );
});
