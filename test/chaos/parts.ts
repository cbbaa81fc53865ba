import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessRecord, parseProcessRecord } from '../../src/local/process-identity.ts';

/** The processes that `exm up` keeps running on a data folder. Only they are ever signalled, never a successor of their process id. */
export class Parts {
  private readonly frozen = new Map<number, ProcessRecord>();

  constructor(private readonly dataDir: string) {}

  /** Names of those that run now. */
  names(): string[] {
    return [...this.records().keys()];
  }

  pid(name: string): number | undefined {
    return this.records().get(name)?.pid;
  }

  /** @returns whether there was such a process */
  signal(name: string, signal: NodeJS.Signals): boolean {
    const record = this.records().get(name);
    return record !== undefined && send(record.pid, signal);
  }

  /** SIGSTOP to a part and to all processes that it has started. @returns how to let it go on; undefined where it does not run */
  freeze(name: string): (() => void) | undefined {
    const record = this.records().get(name);
    if (record === undefined || !send(record.pid, 'SIGSTOP')) return undefined;
    const stopped = [record.pid, ...descendants(record.pid)];
    for (const pid of stopped.slice(1)) send(pid, 'SIGSTOP');
    this.frozen.set(record.pid, record);
    return () => {
      this.frozen.delete(record.pid);
      for (const pid of stopped.toReversed()) send(pid, 'SIGCONT');
    };
  }

  /** Whether a process of that name is held by `freeze`. */
  isFrozen(name: string): boolean {
    const pid = this.pid(name);
    return pid !== undefined && this.frozen.has(pid);
  }

  private records(): Map<string, ProcessRecord> {
    const records = new Map<string, ProcessRecord>();
    for (const entry of readRecords(join(this.dataDir, 'children.json'))) {
      const record = parseProcessRecord(entry);
      const { name } = entry as { name?: unknown };
      if (record !== undefined && typeof name === 'string' && isRunning(record)) records.set(name, record);
    }
    return records;
  }
}

function readRecords(file: string): unknown[] {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Processes that a process has started, and those that they have: PostgreSQL serves each connection by one. Linux only. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const look = (of: number) => {
    for (const child of parents.get(of) ?? []) {
      found.push(child);
      look(child);
    }
  };
  look(pid);
  return found;
}

/** See proc(5): field 4 of `stat`, after the program's name in brackets. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
