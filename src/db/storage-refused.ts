import { messageOf } from '../domain/error-message.ts';
import { UnavailableError } from '../domain/errors.ts';

/**
 * PostgreSQL's codes for a disk that is full (53100) and one that fails (58030). PostgreSQL manual, appendix A. Other
 * refusals of the file system (a quota, a file that may not grow, a disk that was mounted read-only) have no code of
 * their own, and are known by the system's words.
 */
const storageCodes = /^(53100|58030)$/;
const storageMessages =
  /could not .*(no space left on device|disk quota exceeded|file too large|input\/output error|read-only file system)/i;

/**
 * Why the database cannot store anything, where that is so and does not pass by itself: a person has to make room, or
 * to mend the disk. Undefined for every other error.
 */
export function storageRefused(error: unknown): UnavailableError | undefined {
  const refusal = innermostRefusal(error);
  if (refusal === undefined) return undefined;
  return new UnavailableError(
    'DATABASE_STORAGE',
    `The database cannot store anything: ${messageOf(refusal)}.`,
    {
      hint: 'Make room on its disk, or mend it; then resume.',
      cause: error,
    },
  );
}

function innermostRefusal(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  // A failed query's own message has its parameters in it; what the server said of it is its cause.
  const isQueryError = 'query' in error && 'params' in error;
  if (!isQueryError && (storageCodes.test(code) || storageMessages.test(error.message))) return error;
  return innermostRefusal(error.cause);
}
