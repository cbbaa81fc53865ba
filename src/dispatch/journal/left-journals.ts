import { readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { Database } from '../../db/connect.ts';
import { isTransient } from '../../db/transient.ts';
import { messageOf } from '../../domain/error-message.ts';
import { isRunning, pidNamespace } from '../../local/process-identity.ts';
import type { Logger } from '../../logging.ts';
import { enterJournal } from './enter-journal.ts';
import { journalSuffix } from './journal.ts';
import { type JournalOwner, type ParsedJournal, parseJournal } from './journal-lines.ts';

/** Put behind the name of a file that nothing can be made of: a person may look at it, and nobody reads it again. */
export const asideSuffix = '.aside';
/** A process that is killed has not recorded some thousand outcomes at the most; what is larger is none of ours. Bytes. */
const largestFile = 64 * 1024 * 1024;

/** Several times within the 10 s after which Temporal gives a killed process's batches to others, milliseconds. */
const lookIntervalMs = 3_000;

export interface LeftJournalsOptions {
  readonly dir: string;
  readonly db: Database;
  /** Name of this server. */
  readonly server: string;
  readonly log: Logger;
  /** This process's own journal, which is left alone. */
  readonly own: readonly string[];
}

/**
 * The journals of this host's folder: what killed dispatchers left, and what living ones write. Whoever starts here
 * enters them in the books before it takes work, and so does whoever is given another's batch.
 */
export class LeftJournals {
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;

  constructor(private readonly options: LeftJournalsOptions) {}

  /**
   * Enters what the books lack, and removes the journals of processes that have ended. A file that nothing can be made
   * of holds up nobody: it is named in the log.
   *
   * @throws where the database is away
   */
  async enter(): Promise<void> {
    // Not the one that is under way: it may have read before that was written which matters here.
    this.next ??= this.running
      .catch(() => undefined)
      .then(async () => {
        this.next = undefined;
        this.running = this.enterAll();
        await this.running;
      });
    await this.next;
  }

  /**
   * Looks from time to time for journals whose process has ended, so that they are entered before another host is given
   * its batch, also where nobody starts again here.
   */
  watch(): void {
    this.timer = setInterval(() => void this.look(), lookIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    // Where the database is away the next look does it.
    await this.enterAll({ onlyEnded: true }).catch(() => undefined);
    this.isLooking = false;
  }

  private async enterAll({ onlyEnded } = { onlyEnded: false }): Promise<void> {
    for (const paths of this.processes()) {
      try {
        await this.enterOne(paths, onlyEnded);
      } catch (error) {
        if (isTransient(error)) throw error;
        const told = 'a journal cannot be entered in the books: whoever it tells of may be sent to again';
        this.options.log.error({ err: messageOf(error), files: paths }, told);
      }
    }
  }

  /** The files of each process. */
  private processes(): Iterable<readonly string[]> {
    const { dir, own } = this.options;
    const processes = new Map<string, string[]>();
    for (const name of this.fileNames().sort()) {
      const path = join(dir, name);
      if (!name.endsWith(journalSuffix) || own.includes(path)) continue;
      const id = name.slice(0, name.indexOf('.'));
      processes.set(id, [...(processes.get(id) ?? []), path]);
    }
    return processes.values();
  }

  private fileNames(): string[] {
    try {
      return readdirSync(this.options.dir);
    } catch (error) {
      // Somebody has removed it under the running process, say: then there is nothing to enter.
      this.options.log.error({ err: messageOf(error) }, 'the folder of the journals cannot be read');
      return [];
    }
  }

  private async enterOne(paths: readonly string[], onlyEnded: boolean): Promise<void> {
    const { db, log } = this.options;
    const owner = this.ownerOf(paths);
    if (owner === undefined) return;
    const isOver = await this.isOver(owner);
    if (onlyEnded && !isOver) return;
    // Read after that, so that nothing is missing of a process that has ended.
    const parsed = this.read(paths);
    const entries = parsed.flatMap((part) => part.entries);
    const damaged = parsed.reduce((sum, part) => sum + part.damaged, 0);
    // One that was cut off by the end of its process tells nothing that was not begun; of others nobody knows.
    const isWhole = damaged <= 1;
    const { entered, refused, isKnown } = await enterJournal(db, entries, {
      server: owner.server,
      isOver: isOver && isWhole,
    });
    const about = { server: owner.server, entered, files: paths };
    if (entered > 0) log.info(about, 'outcomes of a journal were entered in the books');
    if (!isWhole) log.warn({ ...about, damaged }, 'a journal has lines that cannot be read');
    if (refused > 0) log.error({ ...about, refused }, 'the books refuse what a journal tells');
    // Of another installation: whoever starts there will enter it.
    if (!isOver || !isKnown) return;
    for (const path of paths) {
      if (isWhole && refused === 0) rmSync(path, { force: true });
      else this.putAside(path);
    }
  }

  private ownerOf(paths: readonly string[]): JournalOwner | undefined {
    const parsed = this.read(paths);
    const owner = parsed.find((part) => part.owner !== undefined)?.owner;
    // Without a line there is nothing to enter: it is being made, or was removed this moment by another who read it.
    if (owner === undefined && parsed.some(({ entries, damaged }) => entries.length + damaged > 1)) {
      this.options.log.error({ files: paths }, 'a journal does not say whose it is');
      for (const path of paths) this.putAside(path);
    }
    return owner;
  }

  private read(paths: readonly string[]): ParsedJournal[] {
    return paths.flatMap((path) => {
      try {
        return [this.readFile(path)];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    });
  }

  private readFile(path: string): ParsedJournal {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error(`${path} is not a file`);
    const { size } = stat;
    if (size <= largestFile) return parseJournal(readFileSync(path, 'utf8'));
    this.options.log.error({ file: path, bytes: size }, 'a journal is too large to be one');
    this.putAside(path);
    return { owner: undefined, entries: [], damaged: 0 };
  }

  private putAside(path: string): void {
    try {
      renameSync(path, `${path}${asideSuffix}`);
    } catch (error) {
      this.options.log.warn({ err: messageOf(error), file: path }, 'a journal cannot be put aside');
    }
  }

  /**
   * Whether that process has ended. Where its ids are ours it is seen. Of another host, or another container on this one
   * that shares the folder, it is told from the table of servers, which a process that is only cut off for a while does
   * not leave so soon. This server's own name had somebody who has ended, too: no two living ones have the same.
   */
  private async isOver({ server, host, pids, process }: JournalOwner): Promise<boolean> {
    if (host === hostname() && pids === pidNamespace()) return !isRunning(process);
    if (server === this.options.server) return true;
    const { rows } = await this.options.db.execute(sql`
      select from server
       where name = ${server} and host = ${host} and pid = ${process.pid}
         and stopped_at is null and seen_at > now() - interval '15 minutes'`);
    return rows.length === 0;
  }
}
