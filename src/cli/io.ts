import { messageOf } from '../domain/error-message.ts';
import { type ErrorDetails, type ExitCode, ExmError, exitCodes } from '../domain/errors.ts';
import { FindingsError } from '../message/check/findings.ts';
import { countFindings, showFindings, styleOf } from './show-findings.ts';

/** Flags that every command understands. */
export interface GlobalFlags {
  /** A command that writes it to a file takes its name: `-` is stdout. */
  readonly json?: boolean | string;
  readonly dataDir?: string;
}

/**
 * What a command prints: results on stdout (with --json one JSON object and nothing else), everything else on stderr.
 */
export class CliIo {
  readonly json: boolean;
  /** True where a person looks at stderr, so that a progress bar may move. */
  readonly interactive: boolean;

  constructor(flags: GlobalFlags) {
    this.json = flags.json === true || flags.json === '-';
    this.interactive = process.stderr.isTTY === true;
  }

  /** The result of the command: `text` for a person, `object` with --json. Called once per command. */
  result(object: unknown, text: string): void {
    process.stdout.write(this.json ? `${JSON.stringify(object)}\n` : `${text}\n`);
  }

  /** A line for the person who waits; never part of the result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}

/** One message for a person: what is wrong, where, the value, and what to do. */
export function describeError(error: unknown): {
  exitCode: ExitCode;
  text: string;
  json: Record<string, unknown>;
} {
  if (error instanceof FindingsError) {
    const { code, message, field, hint, findings } = error;
    return {
      exitCode: error.exitCode,
      text: `${showFindings(findings, styleOf(process.stderr))}\n\nrefused: ${countFindings(findings)}`,
      json: { error: { code, message, field, hint, findings } },
    };
  }
  if (error instanceof ExmError) {
    const value = error.value === undefined ? undefined : shorten(error.value);
    const lines = [`error: ${error.message}`];
    if (error.field !== undefined)
      lines.push(`  where: ${error.field}${value === undefined ? '' : ` = ${value}`}`);
    if (error.hint !== undefined) lines.push(`  to do: ${error.hint}`);
    lines.push(`  code:  ${error.code}`);
    const { code, field, hint } = error;
    return {
      exitCode: error.exitCode,
      text: lines.join('\n'),
      json: { error: { code, message: error.message, field, value: error.value, hint } },
    };
  }
  const message = messageOf(error);
  return {
    exitCode: exitCodes.failed,
    text: `error: ${message}${process.env['EXM_DEBUG'] && error instanceof Error ? `\n${error.stack}` : ''}`,
    json: {
      error: { code: 'UNEXPECTED', message } satisfies ErrorDetails & { code: string; message: string },
    },
  };
}

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
