/**
 * The tree of errors. Whether a failure may be tried again is decided by its class, never by its message.
 * Every error says what is wrong, where (field, file, line), the value seen, and what to do about it.
 * Each code stands in docs/errors.md.
 */
export interface ErrorDetails {
  /** The setting, column, flag or campaign-file key that is wrong; with a file, `file:line` or `file: key`. */
  readonly field?: string | undefined;
  /** The value seen. Never a secret. */
  readonly value?: unknown;
  /** What to do about it, as a sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Process exit codes of the command line. */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export abstract class ExmError extends Error {
  abstract readonly exitCode: ExitCode;
  /** True where the same call may succeed later without anybody changing anything. */
  abstract readonly retryable: boolean;
  readonly code: string;
  readonly field: string | undefined;
  readonly value: unknown;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.field = details.field;
    this.value = details.value;
    this.hint = details.hint;
  }
}

/** The command, a flag, a file or a setting is wrong; a person has to correct it. Exit code 2. */
export class InputError extends ExmError {
  readonly exitCode = exitCodes.usage;
  readonly retryable = false;
}

/** Understood, but not allowed in the present state (a second start, a resume of nothing). Exit code 3. */
export class RefusedError extends ExmError {
  readonly exitCode = exitCodes.refused;
  readonly retryable = false;
}

/** Something outside (database, Temporal, mail server) does not answer at the moment. Exit code 1. */
export class UnavailableError extends ExmError {
  readonly exitCode = exitCodes.failed;
  readonly retryable = true;
}

/** It was tried and went wrong for good. Exit code 1. */
export class FailedError extends ExmError {
  readonly exitCode = exitCodes.failed;
  readonly retryable = false;
}
