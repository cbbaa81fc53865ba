import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of `utime` and `stime` in proc(5): 100 a second on every Linux that Node.js runs on. */
const msPerTick = 10;

interface ProcessTimes {
  readonly parent: number;
  readonly ownMs: number;
  /** Of its children that have ended. */
  readonly endedChildrenMs: number;
}

/** User and system time that a process has used since its start, milliseconds; 0 where it has ended. */
export function cpuMsOf(pid: number): number {
  return timesOf(pid)?.ownMs ?? 0;
}

/** The same of a process, its children and those that have ended: of PostgreSQL, which has one per connection. */
export function cpuMsOfFamily(pid: number): number {
  const all = allProcesses();
  const own = all.get(pid);
  if (own === undefined) return 0;
  const children = [...all.values()].filter(({ parent }) => parent === pid);
  return children.reduce((sum, { ownMs }) => sum + ownMs, own.ownMs + own.endedChildrenMs);
}

/** Resident memory of a process, bytes: now, and at the most so far where the system tells it. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  if (process.platform !== 'linux') {
    const now = 1_024 * Number(ps(['-p', String(pid), '-o', 'rss=']));
    return { now, peak: now };
  }
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
    return { now: 1_024 * kilobytes('VmRSS'), peak: 1_024 * kilobytes('VmHWM') };
  } catch {
    return { now: 0, peak: 0 };
  }
}

function allProcesses(): ReadonlyMap<number, ProcessTimes> {
  const names = process.platform === 'linux' ? readdirSync('/proc') : ps(['-A', '-o', 'pid=']).split('\n');
  const pids = names.map(Number).filter((pid) => pid > 0);
  return new Map(
    pids.flatMap((pid) => {
      const times = timesOf(pid);
      return times === undefined ? [] : [[pid, times] as const];
    }),
  );
}

function timesOf(pid: number): ProcessTimes | undefined {
  if (process.platform !== 'linux') {
    const [parent, time = ''] = ps(['-p', String(pid), '-o', 'ppid=,time='])
      .trim()
      .split(/\s+/);
    // [[days-]hours:]minutes:seconds
    const seconds = time.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0);
    return time === '' ? undefined : { parent: Number(parent), ownMs: seconds * 1_000, endedChildrenMs: 0 };
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) * msPerTick;
    return { parent: Number(fields[1]), ownMs: ticks(11), endedChildrenMs: ticks(13) };
  } catch {
    return undefined;
  }
}

function ps(args: readonly string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
