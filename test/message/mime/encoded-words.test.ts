import { describe, expect, it } from 'vitest';
import { encodedWords } from '../../../src/message/mime/encoded-words.ts';
import fc from '../../support/fast-check.ts';

/** What a reader's program makes of one (RFC 2047 section 4). */
function decoded(word: string): string {
  const [, encoding, part = ''] = /^=\?UTF-8\?([QB])\?([!->@-~]*)\?=$/.exec(word) ?? [];
  if (encoding === 'B') return wholeCharacters.decode(Buffer.from(part, 'base64'));
  if (encoding !== 'Q') throw new Error(`no encoded word: ${word}`);
  const bytes = part
    .replaceAll('_', ' ')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return wholeCharacters.decode(Buffer.from(bytes, 'latin1'));
}

/** Throws where a character is cut. */
const wholeCharacters = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

describe('encoded words', () => {
  it.each([
    ['Zoë', '=?UTF-8?Q?Zo=C3=AB?='],
    ['a b_c', '=?UTF-8?Q?a_b=5Fc?='],
    ['日本', '=?UTF-8?B?5pel5pys?='],
    ['😀', '=?UTF-8?B?8J+YgA==?='],
    ['', ''],
  ])('of %j are %j', (text, words) => {
    expect(encodedWords(text, 0)).toBe(words);
  });

  it('are of whole characters and short enough, and are read as the text, for any text', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 120 }),
      fc.string({ unit: fc.constantFrom('a', 'é', ' ', '?', '_', '日', '😀'), maxLength: 120 }),
    );
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 40 }), (text, before) => {
        const words = text === '' ? [] : encodedWords(text, before).split(' ');
        expect(words.map(decoded).join('')).toBe(text);
        for (const [index, word] of words.entries()) {
          expect(word.length).toBeLessThanOrEqual(Math.min(75, 76 - (index === 0 ? before : 1)));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
