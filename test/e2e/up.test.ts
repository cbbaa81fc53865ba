import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { closeDatabase, connectDatabase } from '../../src/db/connect.ts';
import { server } from '../../src/db/schema.ts';
import { processIdentity } from '../../src/local/process-identity.ts';
import { userCacheDir } from '../../src/local/user-cache.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { createTestDatabase } from '../support/database.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { endAll, exmIn, recordedChildren, spawnUp, startUp } from '../support/up-process.ts';
import { waitFor } from '../support/wait-for.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'exm-up-'));
});
afterEach(async () => {
  await endAll(dir);
  rmSync(dir, { recursive: true, force: true });
});

const parts = [
  'content-delivery',
  'dispatch-1',
  'dispatch-2',
  'mail-catcher',
  'postgres',
  'primary',
  'processing',
  'reporting',
  'temporal',
];

/** Leaves something behind in PostgreSQL, in Temporal and in the mail catcher. */
async function leaveTraces(env: Record<string, string>): Promise<void> {
  const db = connectDatabase(env['DATABASE_URL'] ?? '', { applicationName: 'test', max: 1 });
  await db.execute(sql`create table trace (what text)`);
  await db.execute(sql`insert into trace values ('kept')`);
  await closeDatabase(db);
  const client = await connectClient(env);
  await client.workflow.start('Nothing', { workflowId: 'trace', taskQueue: 'nobody' });
  await client.connection.close();
  const transport = createTransport(env['EXM_SMTP_URL']);
  await transport.sendMail({ from: 'a@example.com', to: 'kept@example.com', text: 'kept' });
  transport.close();
}

async function expectTraces(env: Record<string, string>): Promise<void> {
  const db = connectDatabase(env['DATABASE_URL'] ?? '', { applicationName: 'test', max: 1 });
  expect((await db.execute(sql`select what from trace`)).rows).toEqual([{ what: 'kept' }]);
  await closeDatabase(db);
  const client = await connectClient(env);
  expect((await client.workflow.getHandle('trace').describe()).status.name).toBe('RUNNING');
  await client.connection.close();
  const mails = await (await fetch(`${env['EXM_MAIL_URL']}/api/messages?to=kept@`)).json();
  expect(mails).toMatchObject({ count: 1 });
}

describe('exm up', () => {
  it('starts everything, announces only what answers, and finds it all again after a planned stop', async () => {
    const up = await startUp(dir);
    expect(Object.keys(up.children()).sort()).toEqual(parts);
    expect(up.announced.dispatchers).toEqual(['dispatch-1', 'dispatch-2']);
    for (const page of ['ui', 'mail', 'reports', 'tracking']) {
      const response = await fetch(up.announced.addresses[page] ?? '');
      expect(response.status, page).toBeLessThan(500);
    }
    const file = join(dir, '.exm', 'env');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const env = up.env();
    expect(Object.keys(env)).toEqual(
      expect.arrayContaining([
        'DATABASE_URL',
        'TEMPORAL_ADDRESS',
        'TEMPORAL_NAMESPACE',
        'EXM_SMTP_URL',
        'EXM_BASE_URL',
        'EXM_QUEUE_PREFIX',
        'EXM_INTERNAL_API_KEY',
        'EXM_CRYPTOGRAPHIC_KEY',
        'EXM_AUTHENTICATION_KEY',
      ]),
    );
    const doctor = await exmIn(dir, ['doctor', '--json']);
    expect(doctor.json().checks.filter((check: { status: string }) => check.status !== 'ok')).toEqual([]);
    expect(doctor.code).toBe(0);
    const migrated = await exmIn(dir, ['migrate', '--json']);
    expect(migrated.json()).toEqual({ before: 'current', after: 'current' });
    await leaveTraces(env);
    const running = Object.values(up.children());

    expect(await up.end('SIGTERM')).toBe(0);
    expect(running.filter((pid) => processIdentity(pid) !== undefined)).toEqual([]);
    expect(existsSync(join(dir, 'ready'))).toBe(false);

    const again = await startUp(dir);
    expect(again.env()).toEqual(env);
    await expectTraces(again.env());
    expect(await again.end('SIGINT')).toBe(0);
  });

  it('is refused on a folder that another one runs on, and says which process that is', async () => {
    const up = await startUp(dir, ['--dispatchers', '0']);
    const second = await exmIn(dir, ['up', '--json']);
    expect(second.code).toBe(3);
    expect(second.json()).toMatchObject({ error: { code: 'DATA_DIR_IN_USE' } });
    expect(second.stderr).toContain(`Process ${up.process.pid} `);
    expect(await up.end('SIGTERM')).toBe(0);
  });

  it('starts again after it was killed, ends what was left running, and has all the data', async () => {
    const up = await startUp(dir);
    const env = up.env();
    await leaveTraces(env);
    await up.end('SIGKILL');
    const orphans = recordedChildren(up.announced.dataDir);
    expect(Object.keys(orphans).sort()).toEqual(parts);
    const isLeft = (name: string) => processIdentity(orphans[name] ?? 0) !== undefined;
    expect(['postgres', 'temporal'].every(isLeft)).toBe(true);
    // Workers that nobody watches over stop by themselves: they must take no work that is not theirs.
    const others = parts.filter((name) => name !== 'postgres' && name !== 'temporal');
    await waitFor(() => !others.some(isLeft), { describe: 'the workers and the mail catcher have stopped' });

    const again = await startUp(dir);
    expect(again.output()).toContain('Stopping what an earlier run left behind');
    expect(Object.values(orphans).filter((pid) => processIdentity(pid) !== undefined)).toEqual([]);
    expect(again.env()).toEqual(env);
    await expectTraces(again.env());
    expect(await again.end('SIGTERM')).toBe(0);
  });

  it('starts again after it and PostgreSQL and Temporal were killed together', async () => {
    const up = await startUp(dir, ['--dispatchers', '0']);
    await leaveTraces(up.env());
    const { postgres, temporal } = up.children();
    const ending = up.end('SIGKILL');
    for (const pid of [postgres, temporal]) if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await ending;
    const again = await startUp(dir);
    await expectTraces(again.env());
    expect(await again.end('SIGTERM')).toBe(0);
  });

  it('starts a part again that died, and says so', async () => {
    const up = await startUp(dir, ['--dispatchers', '1']);
    for (const name of ['dispatch-1', 'mail-catcher', 'temporal', 'postgres']) {
      const pid = up.children()[name] ?? 0;
      process.kill(pid, 'SIGKILL');
      await waitFor(() => up.output().includes(`${name} was ended by SIGKILL; it is started again`));
      await waitFor(() => up.output().includes(`${name} runs again`), { describe: up.output });
      expect(up.children()[name]).not.toBe(pid);
    }
    const db = connectDatabase(up.env()['DATABASE_URL'] ?? '', { applicationName: 'test', max: 1 });
    await waitFor(async () => {
      const seen = await db.select().from(server).where(sql`seen_at > now() - interval '3 seconds'`);
      return seen.some((row) => row.name === 'dispatch-1') && seen.some((row) => row.name === 'primary');
    });
    await closeDatabase(db);
    expect(await up.end('SIGTERM')).toBe(0);
  });

  it('starts no dispatcher when told so, nor lets the primary send', async () => {
    const up = await startUp(dir, ['--dispatchers', '0']);
    expect(Object.keys(up.children()).filter((name) => name.startsWith('dispatch'))).toEqual([]);
    const db = connectDatabase(up.env()['DATABASE_URL'] ?? '', { applicationName: 'test', max: 1 });
    const rows = await db.select().from(server);
    expect(rows.find((row) => row.name === 'primary')).toMatchObject({ threads: 0 });
    await closeDatabase(db);
    expect(await up.end('SIGTERM')).toBe(0);
  });

  it('uses what the environment names, and starts only the workers', async () => {
    const database = await createTestDatabase({ content: 'empty' });
    const receiver = await startSmtpReceiver();
    const env = {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      EXM_SMTP_URL: `smtp://user:secret@127.0.0.1:${receiver.port}`,
      EXM_QUEUE_PREFIX: 'test-up',
    };
    const up = await startUp(dir, ['--dispatchers', '1'], env);
    expect(Object.keys(up.children()).sort()).toEqual(
      parts.filter((name) => !['postgres', 'temporal', 'mail-catcher', 'dispatch-2'].includes(name)),
    );
    expect(up.env()).toMatchObject(env);
    expect(up.announced.addresses).toMatchObject({
      temporal: env.TEMPORAL_ADDRESS,
      smtp: `smtp://user:***@127.0.0.1:${receiver.port}`,
    });
    expect(up.announced.addresses).not.toHaveProperty('mail');
    expect(await up.end('SIGTERM')).toBe(0);
    await database.drop();
    await receiver.close();

    const unreachable = await exmIn(dir, ['up', '--json'], { DATABASE_URL: 'postgres://x:y@127.0.0.1:1/x' });
    expect(unreachable.code).toBe(1);
    expect(unreachable.json()).toMatchObject({ error: { code: 'DATABASE_UNREACHABLE' } });
  });

  it("does not mix in the user's own Temporal profile, for another server", async () => {
    const config = join(dir, 'home', '.config', 'temporalio');
    mkdirSync(config, { recursive: true });
    writeFileSync(
      join(config, 'temporal.toml'),
      '[profile.default]\naddress = "cloud:7233"\napi_key = "k"\n',
    );
    const env = { HOME: join(dir, 'home'), EXM_CACHE_DIR: userCacheDir(process.env) };
    const up = await startUp(dir, ['--dispatchers', '0'], env);
    const doctor = await exmIn(dir, ['doctor', '--json'], env);
    expect(doctor.json().checks).toContainEqual(expect.objectContaining({ name: 'Namespace', status: 'ok' }));
    expect(await up.end('SIGTERM')).toBe(0);
  });

  it('stops what it has started when it is interrupted before everything runs', async () => {
    const { child, ended, stdout, stderr } = spawnUp(dir);
    await waitFor(() => stderr().includes("Starting Temporal's dev server"));
    const started = Object.values(recordedChildren(join(dir, '.exm')));
    expect(started.length).toBeGreaterThan(0);
    child.kill('SIGINT');
    expect(await ended).toBe(1);
    expect(JSON.parse(stdout())).toMatchObject({ error: { code: 'UP_INTERRUPTED' } });
    expect(started.filter((pid) => processIdentity(pid) !== undefined)).toEqual([]);
    expect(recordedChildren(join(dir, '.exm'))).toEqual({});
  });

  it('writes a broken env file anew', async () => {
    const first = await startUp(dir, ['--dispatchers', '0']);
    const env = first.env();
    await first.end('SIGTERM');
    writeFileSync(join(dir, '.exm', 'env'), Buffer.from([0, 255, 61, 10, 34, 61, 61]));
    const again = await startUp(dir, ['--dispatchers', '0']);
    expect(again.env()).toEqual(env);
    expect(readdirSync(join(dir, '.exm')).filter((name) => name.endsWith('.new'))).toEqual([]);
    await again.end('SIGTERM');
  });

  it('says what is wrong with its flags, its folder or its keys, and starts nothing', async () => {
    const flag = await exmIn(dir, ['up', '--dispatchers', 'two']);
    expect(flag).toMatchObject({ code: 2, stdout: '' });
    expect(flag.stderr).toContain('--dispatchers');

    const ready = await exmIn(dir, ['up', '--ready-file', join('no', 'where'), '--json']);
    expect(ready.code).toBe(2);
    expect(ready.json()).toMatchObject({ error: { code: 'READY_FILE', field: '--ready-file' } });
    expect(existsSync(join(dir, '.exm', 'postgres'))).toBe(false);

    mkdirSync(join(dir, 'wrong'));
    writeFileSync(join(dir, 'wrong', 'logs'), 'not a folder');
    const folder = await exmIn(dir, ['up', '--data-dir', 'wrong', '--json']);
    expect(folder.code).toBe(2);
    expect(folder.json()).toMatchObject({ error: { code: 'DATA_DIR' } });

    const data = join(dir, 'other');
    const keys = `EXM_INTERNAL_API_KEY=${'0'.repeat(64)}`;
    const { child, ended } = spawnUp(dir, ['--data-dir', data], { EXM_INTERNAL_API_KEY: '0'.repeat(64) });
    expect(await ended).toBe(2);
    expect(child.exitCode).toBe(2);
    writeFileSync(join(data, 'keys'), keys);
    const kept = await exmIn(dir, ['up', '--data-dir', data, '--json']);
    expect(kept.code).toBe(2);
    expect(kept.json()).toMatchObject({ error: { code: 'KEYS_FILE', field: join(data, 'keys') } });
    expect(readFileSync(join(data, 'keys'), 'utf8')).toBe(keys);
    expect(existsSync(join(data, 'postgres'))).toBe(false);
  });
});
