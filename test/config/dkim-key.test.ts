import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadDkimKey } from '../../src/config/dkim-key.ts';
import { generateKeys } from '../../src/config/keys.ts';
import { readSettings } from '../../src/config/settings.ts';
import { ed25519, rsa } from '../support/dkim.ts';

const folder = mkdtempSync(join(tmpdir(), 'exm-dkim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function written(content: KeyObject | string, mode = 0o600): string {
  const file = join(folder, `${++files}.pem`);
  const text = typeof content === 'string' ? content : content.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return file;
}

const load = (keyFile: string) => loadDkimKey({ domain: 'example.com', selector: 's1', keyFile });

describe('the key that signs messages', () => {
  test('is none where none is named', () => {
    expect(loadDkimKey({})).toBeUndefined();
  });

  test.each([rsa, ed25519])('is read from its file', (key) => {
    expect(load(written(key))?.privateKey.equals(key)).toBe(true);
    expect(load(written(key, 0o640))?.privateKey.equals(key)).toBe(true);
  });

  test('is asked for whole: what is missing is named', () => {
    expect(() => loadDkimKey({ domain: 'example.com' })).toThrow(
      expect.objectContaining({ code: 'DKIM_INCOMPLETE', field: 'EXM_DKIM_SELECTOR, EXM_DKIM_KEY_FILE' }),
    );
    expect(() => loadDkimKey({ domain: 'example.com', selector: 's1' })).toThrow(
      expect.objectContaining({ code: 'DKIM_INCOMPLETE', field: 'EXM_DKIM_KEY_FILE' }),
    );
  });

  test.each([
    ['not there', () => join(folder, 'none.pem'), 'DKIM_KEY_FILE', /cannot be read: ENOENT/],
    ['a folder', () => folder, 'DKIM_KEY_FILE', /is no key file/],
    [
      'open to everybody',
      () => written(rsa, 0o644),
      'DKIM_KEY_FILE',
      /open to everybody on this host \(mode 644\)/,
    ],
    ['no key', () => written('-----BEGIN SECRET\nhello'), 'DKIM_KEY', /holds no private key in PEM form/],
    [
      'too short',
      () => written(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey),
      'DKIM_KEY',
      /RSA key of 1024 bits: it must have 2048 to 4096/,
    ],
    [
      'of another kind',
      () => written(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      'DKIM_KEY',
      /type ec: DKIM has RSA and Ed25519/,
    ],
  ])('is refused where its file is %s, and nothing of it is shown', (_, file, code, message) => {
    const error = (() => {
      try {
        return load(file());
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(error).toMatchObject({
      code,
      field: 'EXM_DKIM_KEY_FILE',
      message: expect.stringMatching(message),
    });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toMatch(/PRIVATE|hello/);
  });

  test.each([
    ['EXM_DKIM_DOMAIN', 'example'],
    ['EXM_DKIM_DOMAIN', 'a b.example'],
    ['EXM_DKIM_DOMAIN', 'example.com; x=1'],
    ['EXM_DKIM_SELECTOR', 'a.b'],
    ['EXM_DKIM_SELECTOR', 'a;b'],
  ])('has a domain and a selector that fit into its header: %s is not %j', (variable, value) => {
    const env = {
      ...generateKeys(),
      DATABASE_URL: 'postgres://x/x',
      EXM_BASE_URL: 'http://x',
      [variable]: value,
    };
    expect(() => readSettings(env)).toThrow(
      expect.objectContaining({ code: 'SETTING_WRONG', field: variable }),
    );
  });
});
