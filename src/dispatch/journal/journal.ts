import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { PositionRange } from '../../domain/batch-plan.ts';
import { messageOf } from '../../domain/error-message.ts';
import { FailedError, InputError } from '../../domain/errors.ts';
import { makeFolder } from '../../local/make-folder.ts';
import { pidNamespace, recordProcess } from '../../local/process-identity.ts';
import type { Logger } from '../../logging.ts';
import type { RecordedDeferral, RecordedOutcome } from '../ledger/lease.ts';
import {
  announcedLine,
  begunLine,
  deferralLine,
  type JournalBatch,
  outcomeLine,
  ownerLine,
} from './journal-lines.ts';

/** The journal's files end with this. */
export const journalSuffix = '.journal';

export interface JournalOptions {
  /** The folder of all journals of this host. Made where it is missing. */
  readonly dir: string;
  /** Name of this server. */
  readonly server: string;
  readonly log: Logger;
  /** Told what is wrong with it, or `ok`. */
  readonly onHealth?: (health: string) => void;
}

/** What must not be lost with a part of the journal: what a batch has announced, and the messages that are out, by position. */
interface OpenGroup {
  readonly announced: string;
  readonly begun: Map<number, string>;
}

/** One of the two files. */
class Segment {
  /** Whether anything stands in it but whose it is. */
  isUsed = false;
  private readonly handle: number;
  private readonly headLength: number;

  constructor(
    readonly path: string,
    head: string,
  ) {
    this.handle = openSync(path, 'ax', 0o600);
    this.headLength = Buffer.byteLength(head);
    this.append(head);
    this.isUsed = false;
  }

  append(text: string): void {
    const bytes = Buffer.from(text);
    this.isUsed = true;
    for (let written = 0; written < bytes.length; ) written += writeSync(this.handle, bytes, written);
  }

  empty(): void {
    ftruncateSync(this.handle, this.headLength);
    this.isUsed = false;
  }

  close(): void {
    closeSync(this.handle);
  }
}

/**
 * What a dispatcher process has not recorded in the database yet, on the disk of its host: if it is killed, whoever
 * starts here next enters it in the books before anything is sent again (`LeftJournals`). It guards against the death
 * of the process, not of the machine, so nothing is forced to the disk: what was written stays with the system.
 *
 * All outcomes of one turn of the event loop are one write, and no thread sends its next message before it. Two files
 * take turns: a flush to the database begins the second one, and empties the first when it has succeeded.
 */
export class Journal {
  private current: Segment;
  private other: Segment;
  private pending = '';
  private writing: Promise<void> | undefined;
  private readonly open = new Map<string, OpenGroup>();
  private failed = false;
  private closed = false;
  /** While it cannot be written: what was told since the flush under way began. Undefined where that began before. */
  private untold: string | undefined;
  /** Whether the database has all of it, and whether it will when the flush that is under way has succeeded. */
  private isRecorded = true;
  private willBeRecorded = true;

  /** @throws InputError JOURNAL_DIR where the folder cannot be used */
  constructor(private readonly options: JournalOptions) {
    const { dir, server } = options;
    const running = recordProcess(process.pid);
    if (running === undefined)
      throw new FailedError('JOURNAL_DIR', 'This process cannot find itself among the processes.');
    const head = ownerLine({ server, host: hostname(), pids: pidNamespace(), process: running });
    const id = `${process.pid}-${randomBytes(6).toString('hex')}`;
    try {
      makeFolder(dir, 0o700);
      this.current = new Segment(join(dir, `${id}.1${journalSuffix}`), head);
      this.other = new Segment(join(dir, `${id}.2${journalSuffix}`), head);
    } catch (cause) {
      throw new InputError('JOURNAL_DIR', `The journal cannot be kept: ${messageOf(cause)}`, {
        field: 'EXM_JOURNAL_DIR',
        value: dir,
        hint: 'Name a folder of this host that the worker may write to and that survives its restart.',
        cause,
      });
    }
  }

  /** False while the disk takes nothing: then no thread may send before the database has recorded its last outcome. */
  get works(): boolean {
    return !this.failed;
  }

  /** Names of its files. */
  get files(): readonly string[] {
    return [this.current.path, this.other.path];
  }

  outcome(of: JournalBatch, recorded: RecordedOutcome): void {
    this.answered(of, recorded.position);
    this.add(outcomeLine(of, recorded));
  }

  deferral(of: JournalBatch, deferral: RecordedDeferral): void {
    this.answered(of, deferral.position);
    this.add(deferralLine(of, deferral));
  }

  /** A group that may be mailed at most once is about to be announced in the database. */
  announced(of: JournalBatch, range: PositionRange): void {
    const announced = announcedLine(of, range);
    this.open.set(keyOf(of), { announced, begun: new Map() });
    this.add(announced);
  }

  /** Written before it returns: the next thing that happens may be that the message goes out. */
  begun(of: JournalBatch, position: number): void {
    const group = this.open.get(keyOf(of));
    if (group === undefined) return;
    const line = begunLine(of, position);
    group.begun.set(position, line);
    this.pending += line;
    this.write();
  }

  ended(of: JournalBatch): void {
    this.open.delete(keyOf(of));
  }

  /** Settles when what was told until now is written; undefined where it is. */
  appended(): Promise<void> | undefined {
    return this.writing;
  }

  /** A flush to the database begins: all that stands in the journal by now is in it, or was in an earlier one. */
  flushBegins(): void {
    this.write();
    this.willBeRecorded = true;
    if (this.failed) this.untold = '';
    // A flush that failed has left the other file full: both are kept until one succeeds.
    if (this.closed || this.failed || this.other.isUsed || !this.current.isUsed) return;
    [this.current, this.other] = [this.other, this.current];
    this.guarded(() => this.appendOpenGroups());
  }

  /** The flush has succeeded as a whole. */
  flushSucceeded(): void {
    this.isRecorded = this.willBeRecorded;
    if (this.closed) return;
    this.write();
    this.guarded(() => {
      if (this.other.isUsed) this.other.empty();
      if (this.untold !== undefined) this.tryAgain(this.untold);
    });
  }

  /** To be called when nothing is sent any more. What the database has not got is left for the next who starts here. */
  close(): void {
    this.write();
    this.closed = true;
    const isDone = this.isRecorded && this.open.size === 0;
    for (const segment of [this.current, this.other]) {
      segment.close();
      if (isDone) rmSync(segment.path, { force: true });
    }
  }

  private add(text: string): void {
    this.pending += text;
    this.isRecorded = false;
    this.willBeRecorded = false;
    this.writing ??= new Promise((resolve) => {
      setImmediate(() => {
        this.writing = undefined;
        this.write();
        resolve();
      });
    });
  }

  private answered(of: JournalBatch, position: number): void {
    this.open.get(keyOf(of))?.begun.delete(position);
  }

  private write(): void {
    const text = this.pending;
    this.pending = '';
    if (text === '' || this.closed) return;
    if (!this.failed) this.guarded(() => this.current.append(text));
    else if (this.untold !== undefined) this.untold += text;
  }

  /** What is open stands in the current file, so that the other one may be emptied. */
  private appendOpenGroups(): void {
    const groups = [...this.open.values()].map(
      ({ announced, begun }) => announced + [...begun.values()].join(''),
    );
    if (groups.length > 0) this.current.append(groups.join(''));
  }

  /**
   * After a flush that began when the journal was given up already: what the database lacks then is what was told since
   * it began. That must stand in it from the first, for it would be taken for a whole one.
   */
  private tryAgain(untold: string): void {
    this.current.append(`\n${untold}`);
    this.appendOpenGroups();
    this.failed = false;
    this.untold = undefined;
    this.options.onHealth?.('ok');
    this.options.log.info({ file: this.current.path }, 'the journal can be written again');
  }

  /**
   * Half a journal is worse than none: what it does not tell of would be taken for not sent. So where it cannot be
   * written it is emptied, which a full disk allows, and until it can be the books go first.
   */
  private guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!this.failed) {
        const told = 'the journal cannot be written: until it can, each message waits for the books';
        this.options.log.error({ err: messageOf(error), file: this.current.path }, told);
        this.options.onHealth?.(
          `The journal cannot be written (${messageOf(error)}): sending is slow until it can.`,
        );
      }
      this.failed = true;
      this.untold = undefined;
      this.discard();
    }
  }

  private discard(): void {
    for (const segment of [this.current, this.other]) {
      try {
        segment.empty();
      } catch (error) {
        // Nobody reads what has no name any more.
        this.options.log.error({ err: messageOf(error), file: segment.path }, 'the journal is removed');
        rmSync(segment.path, { force: true });
      }
    }
  }
}

function keyOf({ campaignId, batch, lease }: JournalBatch): string {
  return `${campaignId}/${batch}/${lease}`;
}
