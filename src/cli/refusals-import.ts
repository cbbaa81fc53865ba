import { checkReason } from '../contacts/consent/opt-out.ts';
import type { ImportRefusalsOptions, RefusalsReport } from '../contacts/import/import-refusals.ts';
import type { Database } from '../db/connect.ts';
import { withDatabase } from './connections.ts';
import type { CliIo } from './io.ts';
import { refusedPart } from './refused-part.ts';
import { openRejects } from './rejects-file.ts';

interface Flags {
  readonly reason: string;
  readonly rejects?: string;
}

/** Imports a file of addresses that get nothing any more, and reports it. @param target where they are put, for people */
export async function runRefusalsImport(
  io: CliIo,
  env: Parameters<typeof withDatabase>[0],
  command: string,
  file: string,
  flags: Flags,
  run: (
    db: Database,
    input: typeof process.stdin | string,
    options: ImportRefusalsOptions,
  ) => Promise<RefusalsReport>,
  target: string,
): Promise<void> {
  const reason = checkReason(flags.reason);
  const report = await withDatabase(env, command, async (db) => {
    const rejects = flags.rejects === undefined ? undefined : await openRejects(flags.rejects, file);
    try {
      const done = await run(db, file === '-' ? process.stdin : file, {
        reason,
        source: file === '-' ? 'stdin' : file,
        onRefused: rejects?.add,
      });
      await rejects?.keep();
      return done;
    } catch (error) {
      await rejects?.discard();
      throw error;
    }
  });
  const { read, added, known, refused } = report;
  const counts = `${added} put on ${target}, ${known} there already, ${refused.total} refused (${read} rows read).`;
  io.result(report, [counts, ...refusedPart(refused, flags.rejects)].join('\n'));
}
