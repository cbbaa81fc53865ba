import { commandLine, isRunning, type ProcessRecord, parentOf, recordProcess } from './process-identity.ts';

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
  return supervisor > 0 ? onceNot(() => process.ppid === supervisor, callback) : () => undefined;
}

/**
 * In a process that a script of npm started: calls back once when npm was killed, for then nobody is left who would
 * tell it to stop. A process that a shell started goes on without it, as a daemon does.
 *
 * @returns what ends the looking
 */
export function onNpmGone(callback: () => void): () => void {
  const npm = process.env['npm_lifecycle_event'] === undefined ? undefined : findNpm();
  return npm === undefined ? () => undefined : onceNot(() => isRunning(npm), callback);
}

/** Npm runs a script by `sh -c`, and some shells stay between the two. */
function findNpm(): ProcessRecord | undefined {
  let pid: number | undefined = process.ppid;
  while (pid !== undefined && /^\S*sh -c /.test(commandLine(pid))) pid = parentOf(pid);
  return pid === undefined ? undefined : recordProcess(pid);
}

function onceNot(holds: () => boolean, callback: () => void): () => void {
  const timer = setInterval(() => {
    if (holds()) return;
    clearInterval(timer);
    callback();
  }, lookIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
