import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';
import { lazyClient } from '../../src/temporal/client-connection.ts';
import { startUp, type UpProcess } from '../support/up-process.ts';
import { Parts } from './parts.ts';
import { audienceSizes } from './plan-round.ts';

/** Recipients that a mail server puts off come back soon, so that a round does not wait for them for minutes. */
const config = 'export default { settings: { deferralFirstDelaySeconds: 1 } };\n';
const people = 3;
/** How long a planned stop may take before the processes are ended. Milliseconds. */
const stopLimitMs = 120_000;
const closeLimitMs = 30_000;

/** An installation of its own, by `exm up` in a temporary folder, with lists of all sizes. */
export class ChaosInstallation {
  private constructor(
    readonly dir: string,
    readonly up: UpProcess,
    readonly parts: Parts,
    readonly db: Database,
    readonly clients: readonly Client[],
    readonly queuePrefix: string | undefined,
  ) {}

  static async start(smtpUrl: string, dispatchers: number): Promise<ChaosInstallation> {
    const dir = mkdtempSync(join(tmpdir(), 'exm-chaos-'));
    writeFileSync(join(dir, 'exm.config.mjs'), config);
    const up = await startUp(dir, ['--dispatchers', String(dispatchers)], { EXM_SMTP_URL: smtpUrl });
    const env = up.env();
    const db = connectDatabase(env['DATABASE_URL'] ?? '', { applicationName: 'chaos', max: 6 });
    const clients = Array.from({ length: people }, () => lazyClient(env));
    const parts = new Parts(up.announced.dataDir);
    return new ChaosInstallation(dir, up, parts, db, clients, env['EXM_QUEUE_PREFIX']);
  }

  /** Where `exm up` keeps everything. */
  get dataDir(): string {
    return this.up.announced.dataDir;
  }

  get dispatchers(): readonly string[] {
    return this.up.announced.dispatchers;
  }

  get runs(): boolean {
    return this.up.process.exitCode === null && this.up.process.signalCode === null;
  }

  async importLists(): Promise<void> {
    for (const size of audienceSizes) {
      const rows = Array.from(
        { length: size },
        (_, n) => `r${n + 1}@example.com,Name${n + 1},${n % 3 === 0 ? 'de' : 'en'}\n`,
      );
      await importContacts(this.db, Readable.from(['email,firstName,language\n', ...rows]), {
        list: listOf(size),
      });
    }
  }

  /** Ends everything, and leaves no process behind. */
  async stop(keep: boolean): Promise<void> {
    await Promise.allSettled(this.clients.map(async (client) => await client.connection.close()));
    const late = sleep(stopLimitMs, 'late', { ref: false });
    if (this.runs && (await Promise.race([this.up.end('SIGTERM'), late])) === 'late')
      await this.up.end('SIGKILL');
    for (const name of this.parts.names()) this.parts.signal(name, 'SIGKILL');
    while (this.parts.names().length > 0) await sleep(50);
    const closed = await Promise.race([closeDatabase(this.db), sleep(closeLimitMs, 'late', { ref: false })]);
    if (closed === 'late') throw new Error('connections to the database were not given back');
    if (!keep) rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The list with so many contacts. Each holds those of the smaller ones. */
export function listOf(size: number): string {
  return `list-${size}`;
}
