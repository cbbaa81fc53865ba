/** Set for the processes that `exm up` starts and watches over: its process id. */
const variable = 'EXM_SUPERVISOR';

/** How often a supervised process looks whether its supervisor is there, milliseconds. */
const lookIntervalMs = 1_000;

/** What marks the environment of a supervised process. */
export const supervisedEnvironment: Readonly<Record<string, string>> = { [variable]: String(process.pid) };

/**
 * In a process that `exm up` started: calls back once when `exm up` was killed. A worker that nobody watches over must
 * not go on taking work, least of all from another server that comes to listen at the same address.
 *
 * @returns what ends the looking
 */
export function onOrphaned(callback: () => void): () => void {
  const supervisor = Number(process.env[variable]);
  if (!(supervisor > 0)) return () => undefined;
  const timer = setInterval(() => {
    if (process.ppid === supervisor) return;
    clearInterval(timer);
    callback();
  }, lookIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
