import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MessageComposer } from '../../../src/message/compose.ts';
import { SmtpSession } from '../../../src/smtp/session.ts';
import { startBluntMailServer } from '../../support/blunt-mail-server.ts';
import { onlyField, takeApart, unfolded } from '../../support/mail-rules.ts';
import { noPython, readWithPython } from '../../support/python-mail.ts';
import { type MailPath, openMailPath } from '../../support/received-mail.ts';
import { freeze, keys, recipient } from '../fixtures.ts';

let path: MailPath;
beforeAll(async () => {
  path = await openMailPath();
});
afterAll(async () => await path.close());

const composer = new MessageComposer(await freeze(), keys);
const compose = async (email: string) => await composer.compose(recipient({ email }), 7, 0, 'en');

describe('the domain of an address', () => {
  test.each([
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
    ['ada@例え.テスト', 'ada@xn--r8jz45g.xn--zckzah'],
    ['ada@موقع.example', 'ada@xn--4gbrim.example'],
    ['ada@faß.example', 'ada@xn--fa-hia.example'],
    // A capital that only lower-casing makes a letter of a domain.
    ['ada@Ⴀ.example', 'ada@xn--rkj.example'],
    ['ada@bu\u0308cher.example', 'ada@xn--bcher-kva.example'],
    ['Ada.Lovelace+x@Example.ORG', 'Ada.Lovelace+x@example.org'],
  ])('%s is sent to as %s, in the envelope and in the header', async (email, ascii) => {
    const server = await startBluntMailServer({ at: () => undefined });
    const session = await SmtpSession.connect(server.url);
    try {
      const message = await compose(email);
      const { raw } = message;
      expect(await session.send(message)).toMatchObject({ kind: 'accepted' });
      // As it was on the wire: this server decodes nothing.
      expect(server.accepted).toEqual([ascii]);
      expect(unfolded(onlyField(takeApart(raw), 'To'))).toBe(`Ada Lovelace <${ascii}>`);
    } finally {
      session.close();
      await server.close();
    }
  });

  test('of the sender is in A-labels wherever it stands', async () => {
    const content = await freeze({
      from: { name: 'Büro', address: 'news@bücher.example' },
      replyTo: { name: '', address: 'office@bücher.example' },
    });
    const { envelope, raw } = await new MessageComposer(content, keys).compose(recipient({}), 7, 0, 'en');
    expect(envelope.from).toBe('news@xn--bcher-kva.example');
    const message = takeApart(raw);
    for (const name of ['From', 'Reply-To', 'Message-ID', 'List-Id'])
      expect([name, unfolded(onlyField(message, name))]).toEqual([
        name,
        expect.stringContaining('xn--bcher-kva.example'),
      ]);
  });
});

describe('a local part beyond ASCII', () => {
  test('stands in the header as UTF-8 (RFC 6532), in a message sent by SMTPUTF8', async () => {
    const received = await path.send(await compose('зоя@bücher.example'));
    expect(received.parameters).toEqual(expect.arrayContaining(['SMTPUTF8', 'BODY=8BITMIME']));
    const to = onlyField(takeApart(received.raw, { utf8Header: true }), 'To');
    expect(Buffer.from(unfolded(to), 'latin1').toString('utf8')).toBe(
      'Ada Lovelace <зоя@xn--bcher-kva.example>',
    );
    expect((await PostalMime.parse(received.raw)).to?.[0]?.address).toMatch(/^зоя@/);
  });

  test('is all that needs it: no other message of the campaign does', async () => {
    const received = await path.send(await compose('zoe@bücher.example'));
    expect(received.parameters).not.toContain('SMTPUTF8');
    takeApart(received.raw);
  });
});

describe('the limits of RFC 5321', () => {
  const domain = `${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(60)}.example`;
  const longest = `${'a'.repeat(64)}@${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(58)}.example`;

  test('a local part of 64 octets, and a path of 254 and its brackets, are sent to', async () => {
    expect(longest.length).toBeLessThanOrEqual(254);
    const received = await path.send(await compose(longest));
    expect(received.to).toEqual([longest]);
    expect((await PostalMime.parse(received.raw)).to?.[0]?.address).toBe(longest);
    for (const line of takeApart(received.raw).fields.flatMap(({ lines }) => lines))
      expect(line.length).toBeLessThanOrEqual(998);
  });

  test.each([
    ['a local part of 65 octets', `${'a'.repeat(65)}@example.com`],
    ['a local part of 33 letters of two octets', `${'ж'.repeat(33)}@example.com`],
    ['a path of more than 254', `${'a'.repeat(64)}@${domain}x`],
    ['a label of more than 63', `a@${'d'.repeat(64)}.example`],
    ['a domain that gets too long in A-labels', `a@${'ü'.repeat(60)}.example`],
  ])('%s is nobody: the recipient fails', async (_, email) => {
    await expect(compose(email)).rejects.toMatchObject({ code: 'ADDRESS_MALFORMED' });
  });
});

test.skipIf(noPython !== undefined)(
  `Python's strict parser reads the same addresses, without a defect${noPython === undefined ? '' : ` (skipped: ${noPython})`}`,
  async () => {
    const addresses = [
      'ada@bücher.example',
      "o'brien+tag@example.org",
      'a.b-c_d=e@例え.テスト',
      '{x}|y~z@example.org',
    ];
    const composed = await Promise.all(addresses.map(compose));
    const mails = readWithPython(composed.map(({ raw }) => raw));
    expect(mails.map(({ defects }) => defects)).toEqual(addresses.map(() => []));
    expect(mails.map(({ to }) => to)).toEqual(
      composed.map(({ envelope }) => [['Ada Lovelace', envelope.to]]),
    );
  },
);
