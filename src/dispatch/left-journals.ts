import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { isRunning } from '../local/process-identity.ts';
import type { Logger } from '../logging.ts';
import { enterJournal } from './enter-journal.ts';
import { journalSuffix } from './journal.ts';
import { type JournalEntry, type JournalOwner, parseJournal } from './journal-lines.ts';

export interface LeftJournalsOptions {
  readonly dir: string;
  readonly db: Database;
  readonly log: Logger;
  /** This process's own journal, which is left alone. */
  readonly own: readonly string[];
}

/** The files of one process. */
interface LeftJournal {
  readonly owner: JournalOwner;
  readonly paths: readonly string[];
  readonly entries: readonly JournalEntry[];
  readonly damaged: number;
}

/**
 * The journals of this host's folder: what killed dispatchers left, and what living ones write. Whoever starts here
 * enters them in the books before it takes work, and so does whoever is given another's batch.
 */
export class LeftJournals {
  private entering: Promise<void> | undefined;

  constructor(private readonly options: LeftJournalsOptions) {}

  /** Enters what the books lack, and removes the journals of processes that have ended. @throws where the database is away */
  async enter(): Promise<void> {
    this.entering ??= this.enterAll().finally(() => {
      this.entering = undefined;
    });
    await this.entering;
  }

  private async enterAll(): Promise<void> {
    for (const journal of this.read()) {
      const { owner, paths, entries, damaged } = journal;
      const isOver = await this.isOver(owner);
      const { entered, isKnown } = await enterJournal(this.options.db, entries, {
        server: owner.server,
        isOver,
      });
      const { log } = this.options;
      const about = { server: owner.server, entered, files: paths };
      if (entered > 0) log.info(about, 'outcomes of a journal were entered in the books');
      if (damaged > 1) log.warn({ ...about, damaged }, 'a journal has lines that cannot be read');
      // Of another installation: whoever starts there will enter it.
      if (!isOver || !isKnown) continue;
      for (const path of paths) rmSync(path, { force: true });
    }
  }

  private read(): LeftJournal[] {
    const { dir, own } = this.options;
    const journals = new Map<string, LeftJournal>();
    for (const name of readdirSync(dir).sort()) {
      const path = join(dir, name);
      if (!name.endsWith(journalSuffix) || own.includes(path)) continue;
      const parsed = readJournal(path);
      // One that is being made, or was removed this moment by another who read it.
      if (parsed?.owner === undefined) continue;
      const key = name.slice(0, name.indexOf('.'));
      const before = journals.get(key);
      journals.set(key, {
        owner: parsed.owner,
        paths: [...(before?.paths ?? []), path],
        entries: [...(before?.entries ?? []), ...parsed.entries],
        damaged: (before?.damaged ?? 0) + parsed.damaged,
      });
    }
    return [...journals.values()];
  }

  /**
   * Whether that process has ended. Of this host it is seen; of another one (a folder that containers share) it is told
   * from the table of servers, which a process that is only cut off for a while does not leave so soon.
   */
  private async isOver({ server, host, process }: JournalOwner): Promise<boolean> {
    if (host === hostname()) return !isRunning(process);
    const { rows } = await this.options.db.execute(sql`
      select from server
       where name = ${server} and host = ${host} and pid = ${process.pid}
         and stopped_at is null and seen_at > now() - interval '15 minutes'`);
    return rows.length === 0;
  }
}

function readJournal(path: string): ReturnType<typeof parseJournal> | undefined {
  try {
    return parseJournal(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
