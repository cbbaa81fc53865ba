import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** A process as it can be found again later, after a restart of whoever wrote this down. */
export interface ProcessRecord {
  readonly pid: number;
  /** When that process started: a process id alone may belong to another program by then. */
  readonly identity: string;
}

/**
 * What tells this incarnation of a process id from any other: when it started. Undefined where no such process
 * runs, or where it has ended and only waits for its parent to notice.
 */
export function processIdentity(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxIdentity(pid);
  try {
    const started = execFileSync('ps', ['-p', String(pid), '-o', 'lstart='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}

/** See proc(5): field 3 of `stat` is the state, field 22 the start in clock ticks after boot. */
function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X' || ticks === undefined) return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${ticks}`;
  } catch {
    return undefined;
  }
}

/** Writes down a process that runs now. Undefined where it doesn't. */
export function recordProcess(pid: number): ProcessRecord | undefined {
  const identity = processIdentity(pid);
  return identity === undefined ? undefined : { pid, identity };
}

/** Whether the very process that was written down still runs. */
export function isRunning(record: ProcessRecord): boolean {
  return processIdentity(record.pid) === record.identity;
}

/** Reads a record back from JSON. Undefined where it is none. */
export function parseProcessRecord(value: unknown): ProcessRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, identity } = value as Partial<Record<keyof ProcessRecord, unknown>>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1 || typeof identity !== 'string') {
    return undefined;
  }
  return { pid, identity };
}

/** Names the space in which process ids mean something: containers have one each, also where they share a host's name. */
export function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Who started a process, or who took it over. Undefined where that cannot be told. */
export function parentOf(pid: number): number | undefined {
  try {
    const parent =
      process.platform === 'linux'
        ? // See proc(5): field 4 of `stat`, the second after the program's name in brackets.
          readFileSync(`/proc/${pid}/stat`, 'latin1')
            .replace(/^.*\) /s, '')
            .split(' ')[1]
        : execFileSync('ps', ['-p', String(pid), '-o', 'ppid='], { encoding: 'utf8' }).trim();
    return Number(parent) > 0 ? Number(parent) : undefined;
  } catch {
    return undefined;
  }
}

/** The command line of a process, in one string. Empty where it cannot be told. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    }
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
