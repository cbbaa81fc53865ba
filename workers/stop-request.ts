import { onOrphaned } from '../src/local/supervision.ts';

export interface StopRequest {
  /** Settles with the cause when a stop is asked for: by a signal, or by the death of the supervisor. */
  readonly asked: Promise<string>;
}

/**
 * Listens from now on, so that no signal ends the process in the middle of something. A second signal does not cut a
 * stop short.
 */
export function listenForStop(): StopRequest {
  const asked = new Promise<string>((resolve) => {
    process.on('SIGTERM', () => resolve('SIGTERM'));
    process.on('SIGINT', () => resolve('SIGINT'));
    onOrphaned(() => resolve('the supervisor is gone'));
  });
  return { asked };
}
