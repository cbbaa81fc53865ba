import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second: USER_HZ, which is 100 on every Linux. */
const ticksPerSecond = 100;

/** CPU time of a PostgreSQL server so far, microseconds: of its postmaster, of all its processes, and of those that have ended. */
export function postgresCpu(postmaster: number): number {
  const own = statOf(postmaster);
  let ticks = own === undefined ? 0 : own.self + own.ended;
  for (const pid of postgresProcesses(postmaster)) ticks += statOf(pid)?.self ?? 0;
  return (ticks / ticksPerSecond) * 1_000_000;
}

/** The processes of a PostgreSQL server but the postmaster. */
export function postgresProcesses(postmaster: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === postmaster);
}

function statOf(pid: number): { parent: number; self: number; ended: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    return { parent, self: user + system, ended: endedUser + endedSystem };
  } catch {
    return undefined;
  }
}
