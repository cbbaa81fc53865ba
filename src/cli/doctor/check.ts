import { ExmError } from '../../domain/errors.ts';

/** One line of `exm doctor`. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'wrong';
  /** What was found. Never a secret. */
  readonly found: string;
  /** What to do about it; for a status other than ok. */
  readonly todo?: string;
}

export function ok(name: string, found: string): Check {
  return { name, status: 'ok', found };
}

export function warning(name: string, found: string, todo: string): Check {
  return { name, status: 'warning', found, todo };
}

export function wrong(name: string, found: string, todo: string): Check {
  return { name, status: 'wrong', found, todo };
}

/** What a failed step says about itself. */
export function wrongBecause(name: string, error: unknown, todo: string): Check {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ExmError ? error.hint : undefined;
  return wrong(name, message.split('\n')[0] ?? message, hint ?? todo);
}
