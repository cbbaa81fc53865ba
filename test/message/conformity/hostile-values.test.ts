import PostalMime, { type Email } from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recipient } from '../../../src/contacts/audience/recipient.ts';
import { MessageComposer } from '../../../src/message/compose.ts';
import type { FrozenContent, MessageEncoding } from '../../../src/message/content.ts';
import { RecipientFailedError } from '../../../src/message/recipient-failed-error.ts';
import fc from '../../support/fast-check.ts';
import { expectEncodedWords, leaves, partsOf, takeApart } from '../../support/mail-rules.ts';
import { noPython, readWithPython } from '../../support/python-mail.ts';
import { type MailPath, openMailPath } from '../../support/received-mail.ts';
import { baseUrl, freeze, keys, recipient } from '../fixtures.ts';

let path: MailPath;
beforeAll(async () => {
  path = await openMailPath();
});
afterAll(async () => await path.close());

/** What attacks are made of, in any order and number, and anything else that Unicode has. */
const fragments = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\r\n.\r\n',
  '\r\n\r\n',
  '\n.\n',
  'Bcc: eve@evil.example',
  'To: eve@evil.example',
  'Content-Type: text/html',
  'Subject: x',
  '--=_',
  '--',
  '"',
  "'",
  '<',
  '>',
  '&',
  '&quot;',
  ',',
  ';',
  ':',
  '@',
  '(',
  ')',
  '\\',
  '=',
  '=0D=0A',
  '=\r\n',
  '=?utf-8?q?=0D=0ABcc:_eve@evil.example?=',
  '=?utf-8?b?DQo=?=',
  '<script>alert(1)</script>',
  '" onmouseover="alert(1)',
  '"><img src=x onerror=alert(1)>',
  'javascript:alert(1)',
  'https://evil.example/',
  '/../',
  '?a=b&c=d#e',
  '{{ contact.email }}',
  '{% raw %}',
  '\u2028',
  '\u2029',
  '\u0085',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\udc00',
  'é',
  '漢',
  '👩‍👩‍👧‍👦',
  ' ',
  '\t',
  'x'.repeat(1_100),
  'é'.repeat(600),
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...fragments), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
);
const encodings = fc.constantFrom<MessageEncoding>('7bit', '8bit');

const html = `<html><body><p title="{{ contact.facets.a }}" class='{{ contact.facets.a }}'>BEGIN{{ contact.facets.b }}END</p>
<a href="https://shop.example/p/{{ contact.facets.a }}?q={{ contact.facets.b }}">shop</a>
<a href="{{ unsubscribeUrl }}">out</a></body></html>`;
const text =
  'BEGIN{{ contact.facets.b }}END\n\nhttps://shop.example/p/{{ contact.facets.a }}\n{{ unsubscribeUrl }}\n';
const content = await freeze({ subject: 'S {{ contact.facets.a }} T', html, text });

/** Composes, sends by SMTP, and reads what arrived with a parser that is not ours. */
async function received(
  frozen: FrozenContent,
  to: Recipient,
  encoding: MessageEncoding,
): Promise<{ raw: Buffer; mail: Email; parameters: readonly string[]; to: readonly string[] }> {
  const message = await new MessageComposer(frozen, keys).compose(to, 7, 0, 'en', { encoding });
  const { raw, parameters, to: recipients } = await path.send(message);
  expect(raw).toEqual(message.raw);
  return { raw, mail: await PostalMime.parse(raw), parameters, to: recipients };
}

/** Asserts that a message has the header, the recipient and the parts of an ordinary one, in lines that SMTP carries. */
async function expectOrdinary(
  { raw, mail, to }: Awaited<ReturnType<typeof received>>,
  names: readonly string[],
) {
  const message = takeApart(raw);
  expectEncodedWords(message);
  expect(message.fields.map(({ name }) => name)).toEqual(names);
  expect(to).toEqual(['ada@example.org']);
  expect(mail.to?.map(({ address }) => address)).toEqual(['ada@example.org']);
  expect([mail.cc ?? [], mail.bcc ?? [], mail.attachments]).toEqual([[], [], []]);
  const head = raw.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  expect(leaves(partsOf(head, message.body)).map(({ type }) => type)).toEqual(['text/plain', 'text/html']);
}

const fieldNames = async (frozen: FrozenContent) =>
  takeApart((await received(frozen, recipient({}), '7bit')).raw).fields.map(({ name }) => name);

/** A value as a reader sees it in a text: without what no text can hold, and newlines as newlines. */
function inText(value: string): string {
  return (
    value
      .toWellFormed()
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '')
  );
}

const between = (whole: string | undefined) => /BEGIN([\s\S]*)END/.exec(whole ?? '')?.[1];

describe('whatever a contact holds', () => {
  test('adds no header, no recipient, no part and no line that is too long, and is read as it was', async () => {
    const names = await fieldNames(content);
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, encodings, async (firstName, a, b, encoding) => {
        const got = await received(
          content,
          recipient({ firstName, lastName: a, facets: { a, b } }),
          encoding,
        );
        await expectOrdinary(got, names);
        expect(between(got.mail.text)).toBe(inText(b));
        expect(got.mail.subject).not.toMatch(/[\r\n\0]/);
        expect(got.mail.subject).toMatch(/^S /);
      }),
      { numRuns: 100 },
    );
  });

  test('stays within its attribute, its text and its part of an address', async () => {
    const { mail: plain } = await received(content, recipient({ facets: { a: 'a', b: 'b' } }), '7bit');
    const tags = (markup: string | undefined) =>
      (markup ?? '').match(/<[^>]*>/g)?.map((tag) => /^<\/?\w+/.exec(tag)?.[0]);
    await fc.assert(
      fc.asyncProperty(hostile, hostile, encodings, async (a, b, encoding) => {
        const { mail } = await received(content, recipient({ facets: { a, b } }), encoding);
        // The same elements in the same order: nothing has become markup, and no attribute has ended early.
        expect(tags(mail.html)).toEqual(tags(plain.html));
        const [, inTitle = '', inClass = ''] =
          /<p title="([^"<>]*)" class='([^'<>]*)'>/.exec(mail.html ?? '') ?? [];
        expect([decoded(inTitle), decoded(inClass)]).toEqual([inText(a), inText(a)]);
        expect(decoded(between(mail.html) ?? '')).toBe(inText(b));
        // Links are tracked: the value does not stand in them at all.
        const links = [...(mail.html ?? '').matchAll(/href="([^"]*)"/g)].map(([, link]) => link ?? '');
        expect(links).toHaveLength(2);
        for (const link of links) expect(link).toMatch(new RegExp(`^${baseUrl}/[cu]/[\\w-]+(?:/\\d+)?$`));
      }),
      { numRuns: 100 },
    );
  });

  test('as an address is one that is sent to, or fails that recipient alone', async () => {
    const address = fc.oneof(
      hostile,
      fc.tuple(hostile, hostile).map(([local, domain]) => `${local}@${domain}`),
      fc.tuple(hostile, fc.constantFrom('example.org', 'bücher.example')).map((parts) => parts.join('@')),
      hostile.map((extra) => `ada@example.org${extra}`),
    );
    await fc.assert(
      fc.asyncProperty(address, async (email) => {
        const composer = new MessageComposer(content, keys);
        const message = await composer
          .compose(recipient({ email }), 7, 0, 'en')
          .catch((error: unknown) => error);
        if (message instanceof RecipientFailedError) {
          expect(message.code).toBe('ADDRESS_MALFORMED');
          return;
        }
        const { envelope, raw } = message as Awaited<ReturnType<MessageComposer['compose']>>;
        expect(envelope.to).toMatch(/^[^\s\p{C}<>()[\]\\,;:"@]+@[a-z0-9.-]+$/u);
        const { fields } = takeApart(raw, { utf8Header: true });
        const to = fields
          .filter(({ name }) => name === 'To')
          .map(({ value }) => Buffer.from(value, 'latin1').toString('utf8'));
        expect(to).toEqual([expect.stringContaining(`<${envelope.to}>`)]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('whatever a campaign holds', () => {
  test('adds no header, no recipient and no part: its name, its values, its subject, its sender’s name', async () => {
    const names = await fieldNames(content);
    await fc.assert(
      fc.asyncProperty(
        hostile,
        hostile,
        hostile,
        hostile,
        encodings,
        async (name, value, from, subject, encoding) => {
          const frozen = {
            ...content,
            name,
            values: { value },
            from: { name: from, address: 'news@example.com' },
          };
          const bodies = frozen.bodies.map((body) => ({
            ...body,
            // Not Liquid of its own here: that is the editor's to write, and checked elsewhere.
            subject: `${subject.replace(/[{}%]/g, '')} {{ campaign.name }} {{ campaign.values.value }}`,
            html: `<p title="{{ campaign.name }}">BEGIN{{ campaign.values.value }}END</p>`,
            text: 'BEGIN{{ campaign.values.value }}END',
          }));
          const got = await received({ ...frozen, bodies }, recipient({}), encoding);
          await expectOrdinary(got, names);
          expect(got.mail.from?.address).toBe('news@example.com');
          expect(between(got.mail.text)).toBe(inText(value));
          expect(decoded(between(got.mail.html) ?? '')).toBe(inText(value));
        },
      ),
      { numRuns: 100 },
    );
  });
});

test.skipIf(noPython !== undefined)(
  `Python's strict parser finds the same header, recipient and parts in all of them, without a defect${noPython === undefined ? '' : ` (skipped: ${noPython})`}`,
  async () => {
    const samples = fc.sample(fc.tuple(hostile, hostile, hostile, encodings), 60);
    const raws = await Promise.all(
      samples.map(async ([firstName, a, b, encoding]) => {
        const to = recipient({ firstName, lastName: a, facets: { a, b } });
        return (await new MessageComposer(content, keys).compose(to, 7, 0, 'en', { encoding })).raw;
      }),
    );
    const names = await fieldNames(content);
    readWithPython(raws).forEach((mail, index) => {
      const of = JSON.stringify(samples[index]);
      expect([of, mail.defects]).toEqual([of, []]);
      expect([of, mail.headers.map(([name]) => name)]).toEqual([of, names]);
      expect([of, mail.to.map(([, address]) => address)]).toEqual([of, ['ada@example.org']]);
      expect([of, mail.parts.map(({ type }) => type)]).toEqual([of, ['text/plain', 'text/html']]);
      const body = Buffer.from(mail.parts[0]?.content ?? '', 'base64')
        .toString('utf8')
        .replaceAll('\r\n', '\n');
      expect([of, between(body)]).toEqual([of, inText(samples[index]?.[2] ?? '')]);
    });
  },
);

/** What a browser makes of the references that escaping uses. */
function decoded(markup: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return markup.replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) =>
    code === undefined ? (named[name as string] ?? all) : String.fromCodePoint(Number(code)),
  );
}
