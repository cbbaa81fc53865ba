import { onOrphaned } from '../src/local/supervision.ts';

export interface StopRequest {
  /** Settles with the cause when a stop is asked for: by a signal, or by the death of the supervisor. */
  readonly asked: Promise<string>;
  /** The same for what can be given up. */
  readonly signal: AbortSignal;
}

/** Signals are the process's: whoever listens hears the same request. */
let request: StopRequest | undefined;

/**
 * Listens from the first call on, so that no signal ends the process in the middle of something. A second signal does
 * not cut a stop short: a terminal, npm and a supervisor may each send one for the same Ctrl-C.
 */
export function listenForStop(): StopRequest {
  if (request !== undefined) return request;
  const controller = new AbortController();
  const asked = new Promise<string>((resolve) => {
    const stop = (cause: string) => {
      resolve(cause);
      controller.abort();
    };
    // SIGHUP: its terminal was closed.
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop(name));
    onOrphaned(() => stop('the supervisor is gone'));
  });
  request = { asked, signal: controller.signal };
  return request;
}
