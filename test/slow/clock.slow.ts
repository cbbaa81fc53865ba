import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { type LocalPostgres, startPostgres } from '../../src/local/postgres.ts';
import { receivedBy } from '../support/campaign-fixture.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { ownPorts } from '../support/ports.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { faketimeClock, findFaketime, nodeClock, type SteppedClock } from '../support/stepped-clock.ts';

const recipients = 1_000;
const hourMs = 3_600_000;
/** A clock that is set forward, right again, back, and right again: each after so many further messages. */
const steps = [hourMs, 0, -hourMs, 0] as const;
const messagesEach = 150;

const temporaryFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), 'exm-clock-'));
  // Root's PostgreSQL runs under another account, which has to pass through.
  chmodSync(dir, 0o755);
  return dir;
};

/** Two dispatchers and a primary; the first dispatcher and the primary go by a clock of their own. */
async function startWorkers(installation: Installation, env: Record<string, string> = {}): Promise<void> {
  // So slow that messages are left for each step, also where this process stands still for a moment.
  const dispatcher = ['--sleep-ms', '60', '--threads', '4', '--name'];
  const { host } = new URL(installation.env['EXM_BASE_URL'] ?? '');
  await Promise.all([
    installation.startWorker('primary', ['--no-dispatch'], { env }),
    installation.startWorker('content-delivery', ['--listen', host], { env }),
    installation.startWorker('dedicated-dispatch', [...dispatcher, 'd1'], { env }),
    installation.startWorker('dedicated-dispatch', [...dispatcher, 'd2']),
  ]);
}

/** Sends to everybody while the clock is set to and fro. @returns the campaign's id */
async function sendOver(
  installation: Installation,
  receiver: SmtpReceiver,
  clock: SteppedClock,
): Promise<string> {
  const id = await createCampaign(installation);
  const started = await installation.exm(['campaign', 'start', id, '--json']);
  expect(started.code, started.stderr).toBe(0);
  for (const offsetMs of steps) {
    await receiver.waitFor(receiver.messages.length + messagesEach);
    clock.set(offsetMs);
  }
  const watched = await installation.exm(['campaign', 'watch', id, '--json']);
  expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: recipients, sent: recipients } });
  expect(new Set(receivedBy(receiver)).size).toBe(recipients);
  expect(receiver.messages).toHaveLength(recipients);
  return id;
}

/** By how many hours the ledger's times differ from each other. */
async function hoursInLedger(installation: Installation, id: string): Promise<number> {
  const { rows } = await installation.database.db.execute<{ hours: number }>(sql`
    select (extract(epoch from max(at) - min(at)) / 3600)::float8 as hours from dispatch_outcome where campaign_id = ${id}`);
  return rows[0]?.hours ?? 0;
}

describe('the clock of a dispatcher and of the primary that is set an hour forward and back', () => {
  const dir = temporaryFolder();
  const clock = nodeClock(dir);
  const delaySeconds = 4;
  const putOffAt = new Map<string, number>();
  /** How long each of them waited, milliseconds. */
  const waited: number[] = [];
  let installation: Installation;
  let receiver: SmtpReceiver;

  beforeAll(async () => {
    receiver = await startSmtpReceiver({
      // Every tenth is put off once, before, between and after the steps.
      onRcpt(address) {
        if (!/[05]@/.test(address) || putOffAt.has(address)) return undefined;
        putOffAt.set(address, performance.now());
        return { code: 451, text: '4.7.1 Greylisted' };
      },
      onData({ to: [address = ''] }) {
        const at = putOffAt.get(address);
        if (at !== undefined) waited.push(performance.now() - at);
        return undefined;
      },
    });
    installation = await createInstallation({ smtpUrl: receiver.url });
    writeFileSync(
      join(installation.dir, 'exm.config.ts'),
      `export default { settings: { deferralFirstDelaySeconds: ${delaySeconds} } };`,
    );
    await startWorkers(installation, clock.env);
    await importRecipients(installation, recipients);
  });
  afterAll(async () => {
    await installation?.dispose();
    await receiver?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  test('loses and repeats nobody, and whoever was put off is tried after the delay', async () => {
    const id = await sendOver(installation, receiver, clock);
    expect(await hoursInLedger(installation, id)).toBeGreaterThan(1.5);
    expect(waited).toHaveLength(recipients / 5);
    expect(Math.min(...waited)).toBeGreaterThan(delaySeconds * 1_000 - 100);
    // Not an hour late: far more than a slow machine takes, far less than the clock was off.
    expect(Math.max(...waited)).toBeLessThan(hourMs / 4);
  });
});

describe("the database's clock that is set an hour forward and back", () => {
  const library = findFaketime();
  const dir = temporaryFolder();
  let postgres: LocalPostgres;
  let clock: SteppedClock;
  let installation: Installation;
  let receiver: SmtpReceiver;

  beforeAll(async () => {
    if (library === undefined) return;
    clock = faketimeClock(library, dir);
    const [port = 0] = await ownPorts(1);
    Object.assign(process.env, clock.env);
    try {
      postgres = await startPostgres({ dir: join(dir, 'postgres'), port, logFile: join(dir, 'log') });
    } finally {
      for (const name of Object.keys(clock.env)) delete process.env[name];
    }
    receiver = await startSmtpReceiver();
    const postgresUrl = postgres.url('postgres');
    installation = await createInstallation({ smtpUrl: receiver.url, content: 'empty', postgresUrl });
    await migrateDatabase(installation.database.db);
    await startWorkers(installation);
    await importRecipients(installation, recipients);
  });
  afterAll(async () => {
    await installation?.dispose();
    await receiver?.close();
    await postgres?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('loses and repeats nobody', async (context) => {
    if (library === undefined)
      return context.skip('libfaketime is not installed, and LIBFAKETIME names none');
    await sendOver(installation, receiver, clock);
    const { rows } = await installation.database.db.execute<{ hours: number }>(sql`
      select (extract(epoch from max(leased_at) - min(leased_at)) / 3600)::float8 as hours from dispatch_batch`);
    expect(rows[0]?.hours).toBeGreaterThan(0.9);
  });
});
