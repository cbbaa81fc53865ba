import { expect, test } from 'vitest';
import { generateKeys } from '../../src/config/keys.ts';
import { readSettings } from '../../src/config/settings.ts';

const read = (address: string) =>
  readSettings({
    ...generateKeys(),
    DATABASE_URL: 'postgres://x/x',
    EXM_BASE_URL: 'http://x',
    EXM_UNSUBSCRIBE_ADDRESS: address,
  }).unsubscribeAddress;

test('the address to unsubscribe by mail is kept in its ASCII form', () => {
  expect(read('')).toBeUndefined();
  expect(read('out@bücher.example')).toBe('out@xn--bcher-kva.example');
});

test.each([
  'out',
  'out@example.com, eve@example.com',
  'aus<>@example.com',
  'löschen@example.com',
  'a@b.example\r\nX: y',
])('the address to unsubscribe by mail is not %j', (address) => {
  expect(() => read(address)).toThrow(
    expect.objectContaining({ code: 'SETTING_WRONG', field: 'EXM_UNSUBSCRIBE_ADDRESS' }),
  );
});
