import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sql } from 'drizzle-orm';
import { from as copyFrom } from 'pg-copy-streams';
import type { Database } from '../db/connect.ts';
import { FailedError } from '../domain/errors.ts';
import { byTurns, secondsOf } from './by-turns.ts';
import { emptyDatabase } from './campaign.ts';
import { fileColumns, writeContactsFile } from './import/contacts-file.ts';
import type { ImportDone } from './import/wanted.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { median } from './median.ts';
import type { BenchStage } from './stage.ts';

const contacts = 1_000_000;
const turns = 3;
const ratioMaximum = 3;
/** Where --check gives up: the start of its process weighs more, the shorter the file. */
const ratioFar = 10;
/**
 * Ten times the contacts may take a third more memory: V8 lets the young part of its heap grow with what survives there, to
 * 48 MB at the most, however long the file. What kept a row for each contact would take some hundred MB.
 */
const growthMaximum = 1.35;
const bareTable = 'bench_contact';
const megabyte = 1e6;

/** The import of contacts from CSV, which checks and merges each row, against COPY of the same file. */
export const imports: Measurement = {
  name: 'import',
  about: 'a million contacts from a CSV file, and the memory that takes',
  async run(stage) {
    const db = await stage.database();
    const count = stage.size(contacts);
    const few = Math.ceil(count / 10);
    const file = join(stage.folder, 'contacts.csv');
    stage.tell(`Writing a file of ${count} contacts`);
    await writeContactsFile(file, count, stage.signal);
    const columns = fileColumns.map((name) => `${name} text`).join(', ');
    await db.execute(sql.raw(`drop table if exists ${bareTable}`));
    // The keys and indexes of the table contact, and as columns what stands in the file.
    await db.execute(
      sql.raw(
        `create table ${bareTable} (id bigint primary key generated always as identity, ${columns}, unique (email))`,
      ),
    );
    try {
      const runs: ImportDone[] = [];
      const ours = async () => {
        await beforeTurn(stage, db);
        return await secondsOf(async () => runs.push(await importFile(stage, file, count)));
      };
      const theirs = async () => {
        await beforeTurn(stage, db);
        return await secondsOf(async () => await copyFile(db, file));
      };
      const seconds = await byTurns(turns, ours, theirs);
      await writeContactsFile(file, few, stage.signal);
      const small: ImportDone[] = [];
      for (let turn = 0; turn < turns; turn++) {
        await beforeTurn(stage, db);
        small.push(await importFile(stage, file, few));
      }
      return [
        {
          what: `import, ${count} contacts`,
          value: seconds.ours,
          unit: 's',
          against: { what: 'COPY of the same file', value: seconds.theirs },
          ratio: seconds.ours / seconds.theirs,
          goal: { of: 'ratio', atMost: ratioMaximum, farFrom: ratioFar },
          note: `median of ${turns}, by turns; the importing process used ${(medianOf(runs, 'cpuMs') / 1_000).toFixed(1)} s of CPU`,
        },
        memoryRow({ count, runs }, { count: few, runs: small }),
      ];
    } finally {
      await db.execute(sql.raw(`drop table ${bareTable}`));
      await emptyDatabase(db);
      await rm(file, { force: true });
    }
  },
};

interface Imported {
  readonly count: number;
  readonly runs: readonly ImportDone[];
}

function memoryRow(many: Imported, few: Imported): BenchRow {
  const [most, least] = [many, few].map(({ runs }) => medianOf(runs, 'peakBytes') / megabyte) as [
    number,
    number,
  ];
  return {
    what: `peak memory of the import, ${many.count} contacts`,
    value: most,
    unit: 'MB',
    against: { what: `${few.count} contacts`, value: least },
    ratio: most / least,
    goal: { of: 'ratio', atMost: growthMaximum },
    note: `median of ${turns}`,
  };
}

const medianOf = (runs: readonly ImportDone[], what: 'cpuMs' | 'peakBytes') =>
  median(runs.map((run) => run[what]));

async function beforeTurn(stage: BenchStage, db: Database): Promise<void> {
  stage.signal.throwIfAborted();
  await emptyDatabase(db);
  await db.execute(sql.raw(`truncate ${bareTable}`));
  await db.execute(sql`checkpoint`);
}

async function importFile(stage: BenchStage, file: string, count: number): Promise<ImportDone> {
  const { DATABASE_URL: url = '' } = await stage.environment();
  const program = stage.startProgram('import/main.js');
  program.send({ url, file, list: 'everybody' });
  const done = await program.next<ImportDone>();
  await program.stop();
  if (done.imported === count) return done;
  throw new FailedError('BENCH_IMPORT', 'The import of the bench did not take every contact of its file.', {
    value: `${done.imported} of ${count}`,
    hint: 'The figures would mean nothing. Please report it.',
  });
}

async function copyFile(db: Database, file: string): Promise<void> {
  const client = await db.$client.connect();
  try {
    const copy = client.query(
      copyFrom(`copy ${bareTable} (${fileColumns.join(', ')}) from stdin (format csv, header)`),
    );
    await pipeline(createReadStream(file, { highWaterMark: 256 * 1_024 }), copy);
  } finally {
    client.release();
  }
}
