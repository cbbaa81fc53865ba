import { expect, test } from 'vitest';
import { generateKeys } from '../../src/config/keys.ts';
import { readSettings } from '../../src/config/settings.ts';
import { returnDomainMaximum } from '../../src/message/return-path.ts';

const read = (domain: string) =>
  readSettings({
    ...generateKeys(),
    DATABASE_URL: 'postgres://x/x',
    EXM_BASE_URL: 'http://x',
    EXM_BOUNCE_DOMAIN: domain,
  }).bounceDomain;
const labels = (length: number) => `${'a23456789.'.repeat(30).slice(0, length - 4)}`.replace(/\.$/, 'a');

test('the domain of return paths is kept in its ASCII form, lower case', () => {
  expect(read('')).toBeUndefined();
  expect(read('Bounces.Example.com.')).toBe('bounces.example.com');
  expect(read('bounces.bücher.example')).toBe('bounces.xn--bcher-kva.example');
  expect(read(`${labels(returnDomainMaximum)}.com`)).toHaveLength(returnDomainMaximum);
});

test.each([
  'example',
  'user@example.com',
  'bounces.example.com, example.org',
  '192.0.2.1:25',
  'a b.example',
  `${labels(returnDomainMaximum + 1)}.com`,
])('the domain of return paths is not %j', (domain) => {
  expect(() => read(domain)).toThrow(
    expect.objectContaining({ code: 'SETTING_WRONG', field: 'EXM_BOUNCE_DOMAIN' }),
  );
});
