import { expect, it } from 'vitest';
import { withoutAddresses, withoutRecipient } from '../../src/domain/error-message.ts';

it.each([
  ['550 <ann@example.org>: no such user', '550 <…@…>: no such user'],
  ['ann@example.org,bo@example.org', '…@…,…@…'],
  ['"ann b"@example.org', '"ann b"@example.org'],
  ['a@b@c @d e@ @', '…@… @d e@ @'],
  ['@a@b', '…@…'],
])('%j without addresses is %j', (text, masked) => {
  expect(withoutAddresses(text)).toBe(masked);
});

it.each([
  ['421 user ann is not here, nor <Ann@example.org>', 'ann@example.org', '421 user … is not here, nor <…@…>'],
  ['451 annual limit of (ANN)', 'ann@example.org', '451 annual limit of (…)'],
  ['450 a.b+c* is busy, aXb+c is not', 'a.b+c*@example.org', '450 … is busy, aXb+c is not'],
  ['450 jürgen-müller is busy', 'jürgen-müller@example.org', '450 … is busy'],
  ['421 too many connections', '', '421 too many connections'],
])('%j, said of %j, is %j', (text, address, masked) => {
  expect(withoutRecipient(text, address)).toBe(masked);
});

it('addresses are masked in a time that grows with the length alone', () => {
  const before = process.cpuUsage();
  expect(withoutAddresses('a'.repeat(200_000))).toHaveLength(200_000);
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(500);
});
