import { describe, expect, it } from 'vitest';
import { content, endOf, envelope, whyNoEnvelope } from '../../src/smtp/wire-format.ts';
import fc from '../support/fast-check.ts';

const offers = { pipelining: true, size: false, eightBitMime: true, smtpUtf8: true, sizeMaximum: undefined };
/** Bytes of which lines, dots and their counterfeits are made. */
const raws = fc
  .array(fc.constantFrom('\r\n', '\r', '\n', '.', '..', 'a', 'é', '\0'), { maxLength: 40 })
  .map((pieces) => Buffer.from(pieces.join('')));

/** What a server makes of it (RFC 5321 section 4.5.2). */
const asReceived = (wire: string) => wire.replace(/(^|\r\n)\./g, '$1');
const canonicalText = (raw: Buffer) => raw.toString('latin1').replace(/\r\n?|\n/g, '\r\n');
const message = (raw: Buffer, isCanonical?: boolean) => ({
  envelope: { from: 'news@example.com', to: 'ada@example.org' },
  raw,
  encoding: '8bit' as const,
  ...(isCanonical === undefined ? {} : { isCanonical }),
});

describe('a content on the wire', () => {
  it('holds no end but its own, no CR and no LF alone, and is the message to who receives it', () => {
    fc.assert(
      fc.property(raws, (raw) => {
        const bytes = content(message(raw));
        const wire = `\r\n${bytes.toString('latin1')}${endOf(bytes)}`;
        expect(wire.indexOf('\r\n.\r\n')).toBe(wire.length - 5);
        expect(wire.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(asReceived(bytes.toString('latin1'))).toBe(canonicalText(raw));
      }),
    );
  });

  it('is the same where its lines are known to be right', () => {
    fc.assert(
      fc.property(raws, (given) => {
        const raw = Buffer.from(canonicalText(given), 'latin1');
        expect(content(message(raw, true))).toEqual(content(message(raw)));
      }),
    );
  });

  it('is not copied where nothing has to be changed', () => {
    const raw = Buffer.from('Subject: x\r\n\r\nHello.\r\nEnd.\r\n');
    expect(content(message(raw, true))).toBe(raw);
    expect(content(message(raw))).toBe(raw);
  });
});

describe('an envelope', () => {
  it.each([
    'ada@example.org>\r\nRCPT TO:<eve@example.org',
    'ada@example.org\r\nDATA',
    'ada@example.org\n',
    'ada@example.org> SIZE=1',
    'ada @example.org',
    'a<da@example.org',
    'ada@example.org\0',
    'ada@exa\u0085mple.org',
    'ada@exa\u2028mple.org',
    '',
  ])('cannot hold the recipient %j', (to) => {
    expect(whyNoEnvelope({ from: 'news@example.com', to })).toMatch(/recipient/);
    if (to !== '') expect(whyNoEnvelope({ from: to, to: 'ada@example.org' })).toMatch(/sender/);
  });

  it('may have no sender', () => {
    expect(whyNoEnvelope({ from: '', to: 'ada@example.org' })).toBeUndefined();
  });

  it('is three commands, whatever address it takes', () => {
    const unit = fc.constantFrom('a', 'ö', '@', '.', '"', '>', '<', ' ', '\r', '\n', '\0');
    const addresses = fc.string({ unit, maxLength: 4 });
    fc.assert(
      fc.property(addresses, addresses, (from, to) => {
        fc.pre(whyNoEnvelope({ from, to }) === undefined);
        const said = envelope(false, { ...message(Buffer.from('x')), envelope: { from, to } }, offers);
        expect(said.split(/\r\n|\r|\n/)).toEqual([
          expect.stringContaining(`MAIL FROM:<${from}>`),
          `RCPT TO:<${to}>`,
          'DATA',
          '',
        ]);
      }),
    );
  });
});
