import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { mailboxField, textField } from '../../../src/message/mime/header.ts';
import { parameter } from '../../../src/message/mime/parameter.ts';
import fc from '../../support/fast-check.ts';

const read = async (fields: string) => await PostalMime.parse(`${fields}\r\n`);
const words = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  fc
    .array(
      fc.constantFrom('Grüße', 'an', '🌍', 'x'.repeat(120), '"quoted"', '\\', '(c)', 'a,b', '日本語', 'שלום'),
    )
    .map((parts) => parts.join(' ')),
);
const oneLine = (text: string) =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll('=?', '= ?')
    .replace(/ {2,}/g, ' ')
    .trim();

describe('header fields', () => {
  test.each([
    ['Hello', 'Subject: Hello\r\n'],
    ['Grüße aus Wien', 'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_Wien?=\r\n'],
    ['日本語', 'Subject: =?UTF-8?B?5pel5pys6Kqe?=\r\n'],
    ['', 'Subject: \r\n'],
  ])('of text: %j', (value, field) => {
    expect(textField('Subject', value)).toBe(field);
  });

  test.each([
    ['', 'To: ada@example.org\r\n'],
    ['Ada Lovelace', 'To: Ada Lovelace <ada@example.org>\r\n'],
    ['Lovelace, Ada "A." \\', 'To: "Lovelace, Ada \\"A.\\" \\\\" <ada@example.org>\r\n'],
    ['Zoë', 'To: =?UTF-8?Q?Zo=C3=AB?= <ada@example.org>\r\n'],
  ])('of a mailbox: %j', (name, field) => {
    expect(mailboxField('To', { name, address: 'ada@example.org' })).toBe(field);
  });

  test('say to another parser what was meant, in lines of at most 78', async () => {
    await fc.assert(
      fc.asyncProperty(words, words, async (subject, name) => {
        const meant = { subject: oneLine(subject), name: oneLine(name) };
        const fields =
          textField('Subject', meant.subject) +
          mailboxField('From', { name: meant.name, address: 'news@example.com' });
        const mail = await read(fields);
        expect(mail.subject ?? '').toBe(meant.subject);
        expect(mail.from).toMatchObject({ name: meant.name, address: 'news@example.com' });
        expect(fields).toMatch(/^[\r\n\x20-\x7e]*$/);
        for (const line of fields.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
      }),
      { numRuns: 800 },
    );
  });
});

describe('parameters', () => {
  test.each([
    ['price list.pdf', ';\r\n filename="price list.pdf"'],
    ['Preisliste für €.pdf', ";\r\n filename*=UTF-8''Preisliste%20f%C3%BCr%20%E2%82%AC.pdf"],
    ['a"b\\.pdf', ";\r\n filename*=UTF-8''a%22b%5C.pdf"],
  ])('hold any file name: %j', (name, expected) => {
    expect(parameter('filename', name)).toBe(expected);
  });

  test('are read by another parser, however long', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), async (text) => {
        const name = oneLine(text).replaceAll('/', '_') || 'x';
        const part = `MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment${parameter('filename', name)}\r\n\r\nx\r\n`;
        const { attachments } = await PostalMime.parse(part);
        expect(attachments[0]?.filename).toBe(name);
        for (const line of part.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
      }),
      { numRuns: 400 },
    );
  });
});
