import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkNode } from '../../src/cli/doctor/environment.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly found: string;
  readonly todo?: string;
}

describe('exm doctor', () => {
  let installation: Installation;
  let receiver: SmtpReceiver;
  beforeAll(async () => {
    receiver = await startSmtpReceiver();
    installation = await createInstallation({ smtpUrl: receiver.url });
  });
  afterAll(async () => {
    await installation.dispose();
    await receiver.close();
  });

  async function doctor(env: Record<string, string | undefined> = {}) {
    const { code, stdout, stderr, json } = await installation.exm(['doctor', '--json'], { env });
    const checks: Check[] = json().checks;
    const check = (name: string) => checks.find((candidate) => candidate.name === name);
    return { code, stdout, stderr, checks, check };
  }

  it('says of each part whether it is reachable, and which roles have no living server', async () => {
    const worker = await installation.startWorker('processing', ['--name', 'processing-1']);
    const { code, check } = await doctor();
    expect(code).toBe(1);
    for (const name of [
      'PostgreSQL',
      'Schema',
      'Temporal',
      'Namespace',
      'Search attributes',
      'Mail server',
    ]) {
      expect(check(name), name).toMatchObject({ status: 'ok' });
    }
    expect(check('Processing')).toMatchObject({ status: 'ok', found: 'processing-1' });
    expect(check('Primary')).toMatchObject({
      status: 'warning',
      todo: 'Start one with "exm worker primary".',
    });
    expect(check('Tracking links')).toMatchObject({ status: 'wrong' });
    await worker.stop();
    expect((await doctor()).check('Processing')).toMatchObject({ status: 'warning' });
  });

  it('names each variable that is wrong, what is expected, and slips of the pen', async () => {
    const { code, check } = await doctor({
      DATABASE_URL: 'mysql://db',
      EXM_BASE_URL: 'ftp://x',
      EXM_QUEUE_PREFIX: 'UPPER',
      EXM_SMPT_URL: 'smtp://x',
      EXM_INTERNAL_API_KEY: '0'.repeat(64),
      EXM_CRYPTOGRAPHIC_KEY: 'short',
    });
    expect(code).toBe(1);
    for (const name of [
      'DATABASE_URL',
      'EXM_BASE_URL',
      'EXM_QUEUE_PREFIX',
      'EXM_INTERNAL_API_KEY',
      'EXM_CRYPTOGRAPHIC_KEY',
    ]) {
      expect(check(name), name).toMatchObject({ status: 'wrong', todo: expect.any(String) });
    }
    expect(check('EXM_AUTHENTICATION_KEY')).toMatchObject({ status: 'ok' });
    expect(check('EXM_SMPT_URL')).toMatchObject({ status: 'warning' });
  });

  it('says of what must be set and is not that it is to be set, and looks no further', async () => {
    const { code, check, checks } = await doctor({
      DATABASE_URL: undefined,
      EXM_BASE_URL: '',
      EXM_CRYPTOGRAPHIC_KEY: undefined,
    });
    expect(code).toBe(1);
    for (const name of ['DATABASE_URL', 'EXM_BASE_URL'])
      expect(check(name), name).toMatchObject({
        status: 'wrong',
        found: 'not set',
        todo: expect.stringMatching(/^Set it/),
      });
    expect(check('EXM_CRYPTOGRAPHIC_KEY')).toMatchObject({
      status: 'wrong',
      found: 'not set',
      todo: expect.stringMatching(/^Make keys with "exm keys generate"/),
    });
    expect(check('PostgreSQL')).toMatchObject({ status: 'warning', todo: 'Set DATABASE_URL first.' });
    expect(checks.filter(({ status }) => status === 'wrong')).toHaveLength(3);
  });

  describe('of the configuration file', () => {
    const file = () => join(installation.dir, 'exm.config.ts');
    afterEach(() => rmSync(file(), { force: true }));

    async function configuration(text: string | undefined, env: Record<string, string> = {}) {
      if (text !== undefined) writeFileSync(file(), text);
      const { code, checks } = await doctor(env);
      return { code, lines: checks.filter(({ name }) => name === 'Configuration') };
    }

    it('says that there is none', async () => {
      const { lines } = await configuration(undefined);
      expect(lines).toEqual([
        { name: 'Configuration', status: 'ok', found: expect.stringContaining('no exm.config.ts in') },
      ]);
    });

    it('says which one it is, and which step of it never runs', async () => {
      const { lines } = await configuration(
        "import { defineConfig } from 'exm-dispatch'; export default defineConfig({ processors: { Late() {} } });",
      );
      expect(lines).toEqual([
        { name: 'Configuration', status: 'ok', found: file() },
        expect.objectContaining({
          status: 'warning',
          found: expect.stringContaining('Late stands in no pipeline'),
        }),
      ]);
    });

    it('has a line for each thing that is wrong in it', async () => {
      const { code, lines } = await configuration(
        'export default { settings: { dispatchBatchsize: 3, undeliveredMaximum: -1 } };',
      );
      expect(code).toBe(1);
      expect(lines.map(({ status }) => status)).toEqual(['wrong', 'wrong']);
      const found = lines.map((line) => line.found).join('\n');
      expect(found).toContain(
        'dispatchBatchsize = 3: there is no such key. Did you mean "dispatchBatchSize"?',
      );
      expect(found).toContain('undeliveredMaximum = -1: expected a whole number from 0 to 1000');
      for (const line of lines) expect(line.found).toContain(file());
    });

    it.each([
      ['is no program', 'export default {', 'cannot be loaded'],
      ['throws', "throw new Error('no budget server');", 'no budget server'],
      ['exports nothing', 'export const settings = {};', 'no default export'],
      ['never comes to an end', 'await new Promise(() => {}); export default {};', 'does not come to an end'],
    ])('says that it %s', async (_, text, said) => {
      const { code, lines } = await configuration(text);
      expect(code).toBe(1);
      expect(lines).toEqual([
        {
          name: 'Configuration',
          status: 'wrong',
          found: expect.stringContaining(said),
          todo: expect.any(String),
        },
      ]);
    });

    it('says that the one named by EXM_CONFIG is missing', async () => {
      const { code, lines } = await configuration(undefined, { EXM_CONFIG: 'elsewhere.ts' });
      expect(code).toBe(1);
      expect(lines).toEqual([
        expect.objectContaining({ found: expect.stringContaining('elsewhere.ts does not exist') }),
      ]);
    });
  });

  it('shows no key and no password', async () => {
    const { stdout, stderr } = await doctor({
      EXM_SMTP_URL: `smtp://user:mailsecret@127.0.0.1:${receiver.port}`,
      EXM_BASE_URL: 'http://user:websecret@127.0.0.1:1',
    });
    const said = stdout + stderr;
    const { DATABASE_URL = '', EXM_INTERNAL_API_KEY = '', EXM_CRYPTOGRAPHIC_KEY = '' } = installation.env;
    for (const secret of [
      new URL(DATABASE_URL).password,
      EXM_INTERNAL_API_KEY,
      EXM_CRYPTOGRAPHIC_KEY,
      'mailsecret',
      'websecret',
    ]) {
      expect(said).not.toContain(secret);
    }
  });

  it('says that the data folder is none', async () => {
    const file = join(installation.dir, 'file');
    writeFileSync(file, '');
    for (const [path, said] of [
      [file, 'is no folder'],
      [join(file, 'below'), 'cannot be used: ENOTDIR'],
    ] as const) {
      const { code, check } = await doctor({ EXM_DATA_DIR: path });
      expect(code).toBe(1);
      expect(check('Data folder')).toMatchObject({
        status: 'wrong',
        found: expect.stringContaining(`${path} ${said}`),
      });
    }
  });

  it('says where nothing answers', async () => {
    const { code, check } = await doctor({
      DATABASE_URL: 'postgres://exm:x@127.0.0.1:1/exm',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      EXM_SMTP_URL: 'smtp://127.0.0.1:1',
    });
    expect(code).toBe(1);
    for (const name of ['PostgreSQL', 'Temporal', 'Mail server', 'Tracking links']) {
      expect(check(name), name).toMatchObject({ status: 'wrong', todo: expect.any(String) });
    }
  });

  it('says that a database has no schema yet, and that a namespace is unknown', async () => {
    const empty = await createInstallation({ content: 'empty', env: { TEMPORAL_NAMESPACE: 'nowhere' } });
    const { json, code } = await empty.exm(['doctor', '--json']);
    expect(code).toBe(1);
    expect(json().checks).toContainEqual({
      name: 'Schema',
      status: 'wrong',
      found: 'it is missing',
      todo: 'Run "exm migrate" once with this version, then start the workers again.',
    });
    expect(json().checks).toContainEqual(expect.objectContaining({ name: 'Namespace', status: 'wrong' }));
    await empty.dispose();
  });

  it('prints a line per check for a person', async () => {
    const { stdout, code } = await installation.exm(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok {7}PostgreSQL +18\./m);
    expect(stdout).toMatch(/^ +to do: Start a worker of the role content-delivery/m);
    expect(stdout).toMatch(/1 thing is wrong, \d to look at\.\n$/);
  });
});

describe('the check of Node.js', () => {
  it('compares with the oldest version that package.json names', () => {
    expect(checkNode('18.20.0')).toMatchObject({
      status: 'wrong',
      todo: expect.stringMatching(/^Install version 20/),
    });
    expect(checkNode('20.0.0').status).toBe('wrong');
    for (const version of ['20.99.0', '22.0.0', '24.1.0']) expect(checkNode(version).status).toBe('ok');
  });
});
