import { describe, expect, test } from 'vitest';
import { MessageComposer } from '../../src/message/compose.ts';
import { parseReturnPath, ReturnPaths, returnDomainMaximum } from '../../src/message/return-path.ts';
import { makeTokenAndMark, returnMark } from '../../src/tracking/links/token.ts';
import fc from '../support/fast-check.ts';
import { onlyField, type RawMessage, takeApart, unfolded } from '../support/mail-rules.ts';
import { ada, freeze, keys } from './fixtures.ts';

const domain = 'bounces.example.com';
const largest = 2 ** 31 - 1;
const mark = 'f'.repeat(24);
const field = (message: RawMessage, name: string) => unfolded(onlyField(message, name));

describe('a return path', () => {
  test('is within the limits of RFC 5321 for every campaign, position and domain', () => {
    const longest = `${'d'.repeat(returnDomainMaximum - 4)}.com`;
    const paths = new ReturnPaths(largest, longest);
    for (const address of [paths.bounce(largest, mark), paths.unsubscribe(largest, mark)]) {
      expect(address.indexOf('@')).toBeLessThanOrEqual(64);
      expect(address.length).toBe(254);
    }
  });

  test('is read as what it was made of, in whatever case it comes back', () => {
    const number = fc.integer({ min: 1, max: largest });
    const position = fc.integer({ min: 0, max: largest });
    fc.assert(
      fc.property(number, position, fc.stringMatching(/^[0-9a-f]{24}$/), (campaignNumber, place, digits) => {
        const paths = new ReturnPaths(campaignNumber, domain);
        const read = { campaignNumber, position: place, mark: digits };
        for (const change of [String, upper, lower]) {
          const bounce = change(paths.bounce(place, digits));
          expect(parseReturnPath(bounce, domain)).toEqual({ kind: 'bounce', ...read });
          const unsubscribe = change(paths.unsubscribe(place, digits));
          expect(parseReturnPath(unsubscribe, domain)).toEqual({ kind: 'unsubscribe', ...read });
        }
      }),
    );
  });

  test.each([
    '',
    '@',
    'postmaster@bounces.example.com',
    `b-1-1-${mark}@example.com`,
    `b-1-1-${mark}@bounces.example.com.evil.example`,
    `b-0-1-${mark}@bounces.example.com`,
    `b-1-01-${mark}@bounces.example.com`,
    `b-1-1-${mark}0@bounces.example.com`,
    `b-1-1-${mark.slice(1)}@bounces.example.com`,
    `c-1-1-${mark}@bounces.example.com`,
    `b-zzzzzz-1-${mark}@bounces.example.com`,
    `b-1-1-${mark}+x@bounces.example.com`,
    `x@b-1-1-${mark}@bounces.example.com`,
  ])('is not %j', (address) => {
    expect(parseReturnPath(address, domain)).toBeUndefined();
  });
});

describe('a message with return paths', () => {
  const compose = async (position: number, from?: { name: string; address: string }) => {
    const content = await freeze(from === undefined ? {} : { from });
    const composer = new MessageComposer(content, keys, { returnPaths: new ReturnPaths(71, domain) });
    return await composer.compose(ada, position, 0, 'en');
  };
  const markAt = (position: number, contactId: number) =>
    returnMark(makeTokenAndMark({ campaignId: 'autumn-7k3f', position, contactId }, keys).mark, keys);

  test('has its own address in the envelope and in List-Unsubscribe; From stays', async () => {
    const { envelope, raw, messageId } = await compose(7);
    const own = markAt(7, ada.contactId);
    expect(envelope.from).toBe(`b-1z-7-${own}@${domain}`);
    // The Message-ID goes along with each reply.
    expect(messageId).not.toContain(own);
    const message = takeApart(raw);
    expect(field(message, 'From')).toContain('news@example.com');
    expect(field(message, 'List-Unsubscribe').replace(/\s+/g, ' ')).toMatch(
      new RegExp(`^<https?://\\S+>, <mailto:u-1z-7-${own}@${domain}\\?subject=unsubscribe>$`),
    );
  });

  test('of a test has the address of nobody in the queue, the same whoever gets it', async () => {
    expect((await compose(0)).envelope.from).toBe(`b-1z-0-${markAt(0, 0)}@${domain}`);
  });

  test('has its sender in the envelope where that one needs SMTPUTF8, which the envelope has to say', async () => {
    const address = 'grüße@example.com';
    expect((await compose(7, { name: '', address })).envelope.from).toBe(address);
  });
});

function upper(text: string): string {
  return text.toUpperCase();
}

function lower(text: string): string {
  return text.toLowerCase();
}
