import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';
import { lazyClient } from '../../src/temporal/client-connection.ts';
import { startUp, type UpProcess } from '../support/up-process.ts';
import { Parts } from './parts.ts';
import { audienceSizes } from './plan-round.ts';

/** Recipients that a mail server puts off come back soon, so that a round does not wait for them for minutes. */
const config = 'export default { settings: { deferralFirstDelaySeconds: 1 } };\n';
const people = 3;
/** Of the people on the lists, 4,000 on the largest, before there are new ones. */
const silentMaximum = 400;
/** How long a planned stop may take before the processes are ended. Milliseconds. */
const stopLimitMs = 120_000;
const closeLimitMs = 30_000;

/** An installation of its own, by `exm up` in a temporary folder, with lists of all sizes. */
export class ChaosInstallation {
  private generation = 0;
  private silentBefore = 0;

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

  /** Fills the lists with people to whom everything may be sent, at first and when many of them get nothing any more. */
  async renewLists(): Promise<void> {
    const silent = await this.silent();
    if (this.generation > 0 && silent - this.silentBefore < silentMaximum) return;
    const generation = this.generation + 1;
    await this.db.execute(sql`delete from list_member`);
    for (const size of audienceSizes) {
      const rows = Array.from(
        { length: size },
        (_, n) => `r${n + 1}@g${generation}.example.com,Name${n + 1},${n % 3 === 0 ? 'de' : 'en'}\n`,
      );
      await importContacts(this.db, Readable.from(['email,firstName,language\n', ...rows]), {
        list: listOf(size),
      });
    }
    this.generation = generation;
    this.silentBefore = silent;
  }

  /** Addresses that get nothing, of this generation and those before. */
  private async silent(): Promise<number> {
    const { rows } = await this.db.execute<{ count: number }>(
      sql`select (select count(*) from suppression)::int + (select count(*) from global_opt_out)::int as count`,
    );
    return rows[0]?.count ?? 0;
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
