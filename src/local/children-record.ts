import { setTimeout as sleep } from 'node:timers/promises';
import { supervisorPatienceMs } from '../domain/stop-times.ts';
import type { Child } from './child.ts';
import type { DataDir } from './data-dir.ts';
import { isRunning, type ProcessRecord, parseProcessRecord } from './process-identity.ts';
import { StillWaiting } from './still-waiting.ts';

/** A part's process, written down so that the next `exm up` can end what a killed one left running. */
export interface ChildRecord extends ProcessRecord {
  readonly name: string;
}

const fileName = 'children.json';

/** Keeps the record of the processes that run: written when one starts, and when one ends. */
export class ChildrenRecord {
  readonly #dir: DataDir;
  readonly #children = new Set<ChildRecord>();

  constructor(dir: DataDir) {
    this.#dir = dir;
  }

  /** For `onSpawn` of a part of this name. */
  add(name: string): (child: Child) => void {
    return (child) => {
      const record = { name, ...child.record };
      this.#children.add(record);
      this.#write();
      void child.exited.then(() => {
        this.#children.delete(record);
        this.#write();
      });
    };
  }

  /** A full disk must not end what runs; the record is written again with the next change. */
  #write(): void {
    try {
      this.#dir.writeJson(fileName, [...this.#children]);
    } catch {}
  }
}

export interface EndOptions {
  readonly tell: (line: string) => void;
  /** Leaves off waiting. */
  readonly signal?: AbortSignal | undefined;
  /** A process that still runs after so long is ended for good. Default: the time that a planned stop may take. */
  readonly patienceMs?: number;
}

/**
 * Ends the processes that an `exm up` that was killed left running on this folder: those, and no others that have their
 * process ids by now. In the reverse order of their start, so that workers can still hand back what they were sending.
 *
 * @throws the signal's reason; what still runs then is ended by the next start
 */
export async function endLeftChildren(dir: DataDir, options: EndOptions): Promise<void> {
  const left = readChildren(dir).filter(isRunning).reverse();
  if (left.length === 0) return;
  options.tell(`Stopping what an earlier run left behind: ${left.map((child) => child.name).join(', ')}`);
  const waiting = new StillWaiting(options.tell, 'Ctrl-C leaves them to themselves');
  const named = (child: ChildRecord) =>
    waiting.on(`${child.name} (process ${child.pid})`, end(child, options));
  const engines = new Set(['mail-catcher', 'temporal', 'postgres']);
  try {
    await Promise.all(left.filter((child) => !engines.has(child.name)).map(named));
    for (const child of left.filter(({ name }) => engines.has(name))) await named(child);
  } finally {
    waiting.end();
  }
}

async function end(
  child: ChildRecord,
  { patienceMs = supervisorPatienceMs, signal }: EndOptions,
): Promise<void> {
  // To PostgreSQL SIGTERM would mean: wait until all have left.
  kill(child, child.name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  const until = performance.now() + patienceMs;
  while (isRunning(child)) {
    signal?.throwIfAborted();
    if (performance.now() > until) kill(child, 'SIGKILL');
    await sleep(50);
  }
}

function kill(child: ChildRecord, signal: NodeJS.Signals): void {
  try {
    process.kill(child.pid, signal);
  } catch {
    // It has just ended.
  }
}

function readChildren(dir: DataDir): ChildRecord[] {
  const read = dir.readJson(fileName);
  if (!Array.isArray(read)) return [];
  return read.flatMap((entry: unknown) => {
    const record = parseProcessRecord(entry);
    const name = (entry as { name?: unknown } | null)?.name;
    return record === undefined || typeof name !== 'string' ? [] : [{ ...record, name }];
  });
}
