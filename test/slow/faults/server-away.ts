import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosInstallation } from '../../chaos/installation.ts';

/** How a server can be away: its connections say nothing any more, or are refused. */
export const waysToBeAway = ['frozen', 'gone'] as const;

/** Takes PostgreSQL or Temporal away for so long. @returns when it was away, in ms since 1970 */
export async function takeAway(
  { parts, up }: ChaosInstallation,
  name: 'postgres' | 'temporal',
  way: (typeof waysToBeAway)[number],
  ms: number,
): Promise<{ readonly from: number; readonly to: number }> {
  const bringBack = way === 'frozen' ? parts.freeze(name) : gone();
  if (bringBack === undefined) throw new Error(`${name} does not run`);
  const from = Date.now();
  try {
    await pause(ms);
    return { from, to: Date.now() };
  } finally {
    bringBack();
  }

  /** `exm up` would start it again at once, so it is held meanwhile. */
  function gone() {
    up.process.kill('SIGSTOP');
    const go = () => void up.process.kill('SIGCONT');
    if (parts.signal(name, 'SIGKILL')) return go;
    go();
    return undefined;
  }
}
