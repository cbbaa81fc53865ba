import { describe, expect, test } from 'vitest';
import { parseMailbox } from '../../src/message/mailbox.ts';
import { didYouMean, nearestNames } from '../../src/message/nearest.ts';

describe('a mailbox', () => {
  test.each([
    ['news@example.com', '', 'news@example.com'],
    ['News <news@example.com>', 'News', 'news@example.com'],
    ['"News, \\"daily\\"" <news@example.com>', 'News, "daily"', 'news@example.com'],
    ['  Büro Wien   <büro@bücher.example>  ', 'Büro Wien', 'büro@bücher.example'],
  ])('is read from %s', (text, name, address) => {
    expect(parseMailbox(text)).toEqual({ name, address });
  });

  test.each([
    '',
    'news',
    '<>',
    'News <news>',
    'a@b.example, c@d.example',
    'News <a@b.example> x',
    'a b@c.example',
    'A\nB <a@b.example>',
    '"a"@b.example',
    'a@localhost',
  ])('is not %j', (text) => {
    expect(parseMailbox(text)).toBeUndefined();
  });
});

test('a name that was meant is found in spite of a slip, and none where nothing is near', () => {
  expect(nearestNames('firstnam', ['lastName', 'firstName', 'email'])).toEqual(['firstName']);
  expect(nearestNames('custoemrs', ['customers', 'staff'])).toEqual(['customers']);
  expect(didYouMean('zzz', ['customers', 'staff'])).toBe('');
});

test('a name is not near only because it is long', () => {
  const long = '😀'.repeat(100);
  expect(nearestNames('vip', [long, 'vips'])).toEqual(['vips']);
  expect(nearestNames(long, ['vip'])).toEqual([]);
  const [a, b] = ['a'.repeat(200), 'b'.repeat(200)];
  expect(nearestNames(a, [b, `${a}b`])).toEqual([`${a}b`]);
});
