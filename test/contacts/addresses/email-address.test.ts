import { describe, expect, it } from 'vitest';
import {
  emailKey,
  isPlainAddress,
  parseEmailAddress,
} from '../../../src/contacts/addresses/email-address.ts';
import fc from '../../support/fast-check.ts';

const reasonFor = (text: string) => {
  const parsed = parseEmailAddress(text);
  return parsed.ok ? 'accepted' : parsed.reason;
};

describe('the form in which addresses are compared', () => {
  it.each([
    ['Ann@Example.COM', 'ann@example.com'],
    ['  ann@example.com\t', 'ann@example.com'],
    ['ann@Bücher.example', 'ann@xn--bcher-kva.example'],
    ['ann@xn--bcher-kva.example', 'ann@xn--bcher-kva.example'],
    ['ann@bu\u0308cher.example', 'ann@xn--bcher-kva.example'],
    ['JOSE\u0301@example.com', 'josé@example.com'],
    ['ann@例え.テスト', 'ann@xn--r8jz45g.xn--zckzah'],
  ])('is, of %j, %j', (address, key) => {
    expect(emailKey(address)).toBe(key);
  });

  it('is the same once more, for any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ maxLength: 20 }), (a, b) => {
        for (const text of [a, b, `${a}@${b}`]) expect(emailKey(emailKey(text))).toBe(emailKey(text));
      }),
    );
  });

  it('is the same for every spelling of an address that is accepted', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        const parsed = parseEmailAddress(address);
        fc.pre(parsed.ok);
        if (!parsed.ok) return;
        expect(emailKey(address.toUpperCase())).toBe(parsed.key);
        expect(emailKey(` ${address} `)).toBe(parsed.key);
        expect(emailKey(parsed.address)).toBe(parsed.key);
      }),
    );
  });
});

describe('an address', () => {
  it.each([
    'ann@example.com',
    "o'brien+news@mail.example.co.uk",
    'josé@example.com',
    '健@例え.テスト',
    '!#$%&*+/=?^_`{|}~-@example.com',
    `${'a'.repeat(64)}@example.com`,
  ])('may be %j', (text) => {
    expect(reasonFor(text)).toBe('accepted');
  });

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['ann', 'no-at-sign'],
    ['ann@', 'domain-malformed'],
    ['@example.com', 'local-part-malformed'],
    ['ann@@example.com', 'local-part-malformed'],
    ['ann@b@example.com', 'local-part-malformed'],
    ['.ann@example.com', 'local-part-malformed'],
    ['ann.@example.com', 'local-part-malformed'],
    ['a..n@example.com', 'local-part-malformed'],
    ['ann@example', 'domain-malformed'],
    ['ann@example.com.', 'domain-malformed'],
    ['ann@-example.com', 'domain-malformed'],
    ['ann@exam_ple.com', 'domain-malformed'],
    ['ann@127.0.0.1', 'domain-malformed'],
    ['ann@0x7f.1', 'domain-malformed'],
    ['ann@xn--zz-.com', 'domain-malformed'],
    ['ann@exa%6dple.com', 'domain-malformed'],
    ['ann@example.com/x', 'domain-malformed'],
    [`ann@${'x'.repeat(64)}.example`, 'domain-malformed'],
    [`${'a'.repeat(65)}@example.com`, 'too-long'],
    [`${'é'.repeat(33)}@example.com`, 'too-long'],
    [`ann@${'x.'.repeat(130)}example`, 'too-long'],
    [`${'a'.repeat(64)}@${`${'b'.repeat(60)}.`.repeat(3)}example`, 'too-long'],
  ])('may not be %j: %s', (text, reason) => {
    expect(reasonFor(text)).toBe(reason);
  });

  it.each([
    'ann@example.com\nBcc: all@example.com',
    'ann@example.com\r\n',
    'ann@example.com\u0000',
    'ann\u200b@example.com',
    'ann\u202e@example.com',
    'ann\u2028@example.com',
    'ann@example.com, bob@example.com',
    'ann@example.com;bob@example.com',
    'Ann <ann@example.com>',
    '"ann smith"@example.com',
    'ann smith@example.com',
    'ann(comment)@example.com',
    'ann\\@example.com',
    'ann@[127.0.0.1]',
    'ann@example.com:25',
    '\ud800@example.com',
  ])('with a character that is not allowed is refused: %j', (text) => {
    expect(reasonFor(text)).toBe('forbidden-character');
  });

  it('that is accepted has nothing in it that could end a header, an envelope or a list', () => {
    const character = fc.string({ unit: 'binary', maxLength: 1 });
    fc.assert(
      fc.property(character, character, character, (a, b, c) => {
        const parsed = parseEmailAddress(`an${a}n@exa${b}mple.com${c}`);
        if (!parsed.ok) return;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
        expect(parsed.address).not.toMatch(/[\u0000-\u0020\u007f-\u009f<>,;:"()[\]\\]/);
        expect(parsed.key).toMatch(/@[a-z0-9.-]+$/);
        expect(Buffer.byteLength(parsed.address)).toBeLessThanOrEqual(254);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of the usual form is accepted as it is, and is its own key', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'B', '9', '.', '-', '+', 'xn--', 'é', ' '),
      maxLength: 80,
    });
    fc.assert(
      fc.property(part, part, (local, domain) => {
        for (const text of [`${local}@${domain}.example`, `ann@${domain}`, `${local}@example.com`]) {
          if (!isPlainAddress(text)) continue;
          expect(parseEmailAddress(text)).toEqual({ ok: true, address: text, key: text });
        }
      }),
      { numRuns: 2_000 },
    );
    expect(isPlainAddress('ann.lee+news@mail.example.com')).toBe(true);
    expect(isPlainAddress('Ann@example.com')).toBe(false);
  });
});
