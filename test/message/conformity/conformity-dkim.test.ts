import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDkimSigner } from '../../../src/message/dkim/dkim.ts';
import { asDnsStrings, dkimRecord } from '../../../src/message/dkim/dkim-record.ts';
import { dkimVerdicts, ed25519, rsa } from '../../support/dkim.ts';
import fc from '../../support/fast-check.ts';
import { mailDkimResult, noMailDkim } from '../../support/perl-dkim.ts';

const domain = 'example.com';
const selector = 'mail-2026';
const keys = [
  { algorithm: 'rsa-sha256', privateKey: rsa },
  { algorithm: 'ed25519-sha256', privateKey: ed25519 },
];

const headers = [
  'From: News <news@example.com>',
  'To: "Lovelace, Ada" <ada@example.org>',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_aus_Wien?=  \t and   more',
  'Date: Sun, 22 Nov 2026 09:00:00 +0000',
  'Message-ID: <one@example.com>',
  'MIME-Version: 1.0',
  'List-Unsubscribe: <https://mail.example.com/u/x>,\r\n\t<mailto:out@example.com?subject=unsubscribe%20x>',
  'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
  'X-Not-Signed: anything',
  'Content-Type: text/plain; charset=utf-8',
]
  .map((field) => `${field}\r\n`)
  .join('');

async function signed(body: Buffer, key = rsa, block = headers): Promise<Buffer> {
  const signer = createDkimSigner({ domain, selector, privateKey: key });
  return Buffer.concat([Buffer.from(`${await signer.sign(block, body)}${block}\r\n`), body]);
}

const body = Buffer.from('Hello Ada\r\n.\r\n..dots\r\n\r\n\r\n');

describe('a DKIM signature', () => {
  test.each(keys)(
    'by $algorithm is verified by another implementation',
    async ({ algorithm, privateKey }) => {
      const raw = await signed(body, privateKey);
      expect(await dkimVerdicts(raw, { domain, selector, privateKey })).toEqual([
        {
          result: 'pass',
          domain,
          algorithm,
          canonicalization: 'relaxed/simple',
          signed: expect.arrayContaining([
            'from',
            'to',
            'subject',
            'list-unsubscribe',
            'list-unsubscribe-post',
          ]),
        },
      ]);
    },
  );

  test.skipIf(noMailDkim !== undefined)(
    `by RSA is verified by Perl's Mail::DKIM, too${noMailDkim === undefined ? '' : ` (skipped: ${noMailDkim})`}`,
    async () => {
      const published = { domain, selector, privateKey: rsa };
      const raw = await signed(body);
      expect(mailDkimResult(raw, published)).toBe('pass');
      const changed = Buffer.from(raw.toString('latin1').replace('Hello', 'Hullo'), 'latin1');
      expect(mailDkimResult(changed, published)).toMatch(/^fail/);
    },
  );

  test('covers what is there, names From and what readers see once more, and nothing else', async () => {
    const [verdict] = await dkimVerdicts(await signed(body), { domain, selector, privateKey: rsa });
    const times = (name: string) => verdict?.signed.filter((one) => one === name).length;
    for (const name of ['from', 'to', 'subject', 'date', 'content-type'])
      expect([name, times(name)]).toEqual([name, 2]);
    for (const name of ['message-id', 'list-unsubscribe', 'list-unsubscribe-post', 'reply-to', 'cc'])
      expect([name, times(name)]).toEqual([name, 1]);
    for (const name of ['x-not-signed', 'list-id', 'feedback-id'])
      expect([name, times(name)]).toEqual([name, 0]);
  });

  test.each([
    ['From: Eve <eve@example.com>\r\n', 'in front'],
    ['Subject: Another\r\n', 'in front'],
    ['Reply-To: eve@evil.example\r\n', 'in front'],
    ['Cc: eve@evil.example\r\n', 'in front'],
  ])('breaks where %j is put %s', async (added) => {
    const raw = Buffer.concat([Buffer.from(added), await signed(body)]);
    const [verdict] = await dkimVerdicts(raw, { domain, selector, privateKey: rsa });
    expect(verdict?.result).not.toBe('pass');
  });

  test.each([
    ['a letter of the subject', 'aus_Wien', 'aus_Wiem'],
    ['a letter of the body', 'Hello Ada', 'Hello Eda'],
    ['where one unsubscribes', '/u/x', '/u/y'],
  ])('breaks where %s is changed', async (_, from, to) => {
    const raw = Buffer.from((await signed(body)).toString('latin1').replace(from, to), 'latin1');
    const [verdict] = await dkimVerdicts(raw, { domain, selector, privateKey: rsa });
    expect(verdict?.result).not.toBe('pass');
  });

  test('bears that its header is folded anew and that unsigned fields are put in front', async () => {
    const text = (await signed(body)).toString('latin1');
    const raw = Buffer.from(
      `Received: by mx.example.org; Sun, 22 Nov 2026 09:00:01 +0000\r\n${text.replace('List-Unsubscribe: <', 'LIST-unsubscribe :\r\n  <')}`,
      'latin1',
    );
    expect(await dkimVerdicts(raw, { domain, selector, privateKey: rsa })).toMatchObject([
      { result: 'pass' },
    ]);
  });

  test('is right for every header and body, also at its very end, in pieces or whole', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', ' ', '\t', '.', 'é', '='), maxLength: 30 });
    const bodies = fc
      .array(fc.oneof(line, fc.constantFrom('\r\n', '\r\n\r\n')), { maxLength: 12 })
      .map((parts) => parts.map((part) => Buffer.from(part)));
    const value = fc.array(
      fc.string({ unit: fc.constantFrom('a', ' ', '\t', 'B', ':', ';', '='), minLength: 1, maxLength: 20 }),
      {
        maxLength: 3,
      },
    );
    const signer = createDkimSigner({ domain, selector, privateKey: ed25519 });
    await fc.assert(
      fc.asyncProperty(bodies, value, async (pieces, folded) => {
        const block = `From: n@example.com\r\nSubject:${folded.map((part) => ` x${part}`).join('\r\n')}\r\n`;
        const whole = Buffer.concat(pieces);
        const signature = await signer.sign(block, pieces);
        const raw = Buffer.concat([Buffer.from(`${signature}${block}\r\n`), whole]);
        expect(await dkimVerdicts(raw, { domain, selector, privateKey: ed25519 })).toMatchObject([
          { result: 'pass' },
        ]);
        for (const one of signature.split('\r\n')) expect(one.length).toBeLessThanOrEqual(76);
        const again = await signer.sign(block, whole);
        expect(/bh=[^;]*/.exec(again)?.[0]).toBe(/bh=[^;]*/.exec(signature)?.[0]);
      }),
      { numRuns: 150 },
    );
  });

  test('is made for the senders of its domain and of those below it, and for nobody else', () => {
    const signer = createDkimSigner({ domain: 'bücher.example', selector, privateKey: ed25519 });
    expect(signer.domain).toBe('xn--bcher-kva.example');
    expect(signer.signsFor('news@bücher.example')).toBe(true);
    expect(signer.signsFor('news@Mail.XN--bcher-kva.example')).toBe(true);
    expect(signer.signsFor('news@notbücher.example')).toBe(false);
    expect(signer.signsFor('news@example')).toBe(false);
    expect(signer.signsFor('news@bücher.example.evil.example')).toBe(false);
  });
});

describe('the record to publish', () => {
  test('is in strings that DNS can hold', () => {
    const record = dkimRecord(createPublicKey(rsa));
    expect(record.length).toBeGreaterThan(255);
    const strings = [...asDnsStrings(record).matchAll(/"([^"]*)"/g)].map(([, part]) => part ?? '');
    expect(strings.join('')).toBe(record);
    expect(Math.max(...strings.map(({ length }) => length))).toBeLessThanOrEqual(255);
  });

  test('of Ed25519 is the bare key of 32 bytes', () => {
    const [, base64 = ''] = /p=(.*)$/.exec(dkimRecord(createPublicKey(ed25519))) ?? [];
    const x = Buffer.from(base64, 'base64');
    expect(x).toHaveLength(32);
    const key = { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') };
    expect(createPublicKey({ key, format: 'jwk' }).equals(createPublicKey(ed25519))).toBe(true);
  });
});
