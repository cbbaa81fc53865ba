import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { checkDkim } from '../../src/cli/doctor/dkim.ts';
import { keysCommand } from '../../src/cli/keys.ts';
import { loadDkimKey } from '../../src/config/dkim-key.ts';
import { dkimRecord } from '../../src/message/dkim/dkim-record.ts';
import { ed25519 } from '../support/dkim.ts';

const folder = mkdtempSync(join(tmpdir(), 'exm-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `exm keys dkim` in this process. */
async function keysDkim(...flags: string[]): Promise<{ out: string; code: unknown; err: string }> {
  const said = { out: '', err: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.err += String(text);
    return true;
  });
  try {
    await keysCommand().parseAsync(['dkim', ...flags, '--data-dir', folder], { from: 'user' });
    return { ...said, code: process.exitCode };
  } finally {
    process.exitCode = undefined;
    out.mockRestore();
    err.mockRestore();
  }
}

interface Made {
  readonly keyFile: string;
  readonly record: { readonly name: string; readonly value: string };
  readonly environment: Readonly<Record<string, string>>;
}

describe('exm keys dkim', () => {
  test('prints a variable a line, as a file of the environment has them', async () => {
    const file = join(folder, 'lines.pem');
    const { out } = await keysDkim('--domain', 'example.com', '--selector', 's1', '--out', file);
    expect(out.trimEnd().split('\n').slice(-3)).toEqual([
      'EXM_DKIM_DOMAIN=example.com',
      'EXM_DKIM_SELECTOR=s1',
      `EXM_DKIM_KEY_FILE=${file}`,
    ]);
  });

  test.each(['rsa', 'ed25519'])(
    'makes a key (%s) that only its owner can read, and says what to publish',
    async (type) => {
      const file = join(folder, `${type}.pem`);
      const flags = ['--domain', 'Example.com', '--selector', 's1', '--type', type, '--out', file];
      const made = JSON.parse((await keysDkim(...flags, '--json')).out) as Made;
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const key = loadDkimKey({ domain: 'example.com', selector: 's1', keyFile: file });
      expect(key?.privateKey.asymmetricKeyType).toBe(type);
      expect(made.record).toMatchObject({
        name: 's1._domainkey.example.com',
        value: dkimRecord(createPublicKey(readFileSync(file))),
      });
      expect(made.environment).toEqual({
        EXM_DKIM_DOMAIN: 'example.com',
        EXM_DKIM_SELECTOR: 's1',
        EXM_DKIM_KEY_FILE: file,
      });
    },
  );

  test('never writes over a key that is there', async () => {
    const file = join(folder, 'mine.pem');
    writeFileSync(file, 'mine');
    const { out, code } = await keysDkim(
      '--domain',
      'example.com',
      '--selector',
      's1',
      '--type',
      'ed25519',
      '--out',
      file,
      '--json',
    );
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'DKIM_KEY_FILE' } });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

describe('exm doctor, of the key that signs', () => {
  const keyFile = join(folder, 'doctor.pem');
  writeFileSync(keyFile, ed25519.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const env = { EXM_DKIM_DOMAIN: 'example.com', EXM_DKIM_SELECTOR: 's1', EXM_DKIM_KEY_FILE: keyFile };
  const record = dkimRecord(createPublicKey(ed25519));
  const notFound = async () => {
    throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
  };

  test('says nothing where there is none', async () => {
    expect(await checkDkim({ EXM_DKIM_DOMAIN: '' }, notFound)).toEqual([]);
  });

  test('is content where its record is published, in however many strings', async () => {
    const published = async (name: string) =>
      name === 's1._domainkey.example.com' ? [['x'], [record.slice(0, 20), record.slice(20)]] : [];
    expect(await checkDkim(env, published)).toMatchObject([
      { status: 'ok', found: expect.stringContaining('published') },
    ]);
  });

  test.each([
    ['not published', notFound, 'wrong', /is not published/],
    ['of another key', async () => [['v=DKIM1; k=ed25519; p=AAAA']], 'wrong', /of another key/],
    [
      'not to be looked up',
      async () => {
        throw Object.assign(new Error('late'), { code: 'ETIMEOUT' });
      },
      'warning',
      /could not be looked up \(ETIMEOUT\)/,
    ],
  ])('says what to publish where its record is %s', async (_, textRecords, status, found) => {
    const [check] = await checkDkim(env, textRecords as () => Promise<string[][]>);
    expect(check).toMatchObject({
      status,
      found: expect.stringMatching(found),
      todo: expect.stringContaining(record),
    });
    expect(check?.todo).toContain('s1._domainkey.example.com. IN TXT');
  });

  test('says what is wrong with it', async () => {
    expect(await checkDkim({ ...env, EXM_DKIM_SELECTOR: '' }, notFound)).toMatchObject([
      { status: 'wrong', found: expect.stringContaining('EXM_DKIM_SELECTOR is not set') },
    ]);
  });
});
