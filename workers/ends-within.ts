import { setTimeout as pause } from 'node:timers/promises';

/** Waits for the end of something, however it comes about. @returns false where that took longer than `ms` */
export async function endsWithin(ending: Promise<unknown>, ms: number): Promise<boolean> {
  const waiting = new AbortController();
  const late = pause(ms, false, { signal: waiting.signal }).catch(() => false);
  const ended = ending.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    waiting.abort();
  }
}
