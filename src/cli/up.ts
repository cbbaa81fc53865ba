import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { dataDirOf } from '../config/environment.ts';
import { FailedError, InputError } from '../domain/errors.ts';
import { type LocalAddresses, type LocalParts, startLocalParts } from '../local/index.ts';
import { onNpmGone } from '../local/supervision.ts';
import { action, withGlobalFlags } from './command.ts';
import { endProcess } from './end-process.ts';
import { parseWholeNumber } from './flags.ts';
import type { CliIo } from './io.ts';
import { table } from './table.ts';

interface UpFlags {
  readonly dispatchers: number;
  readonly readyFile?: string;
}

export function upCommand(): Command {
  return withGlobalFlags(new Command('up'))
    .description('start PostgreSQL, Temporal, a mail catcher and one worker per role on this machine')
    .addOption(
      new Option('--dispatchers <n>', 'dedicated-dispatch workers; 0 leaves them to you')
        .argParser(parseWholeNumber(0, 64))
        .default(2),
    )
    .option('--ready-file <file>', 'create this file when everything answers')
    .addHelpText(
      'after',
      `
What DATABASE_URL, TEMPORAL_ADDRESS or EXM_SMTP_URL name is used as it is, and not started.
Ctrl-C stops everything and keeps the data; a second Ctrl-C doesn't wait for the workers.

Example:
  exm up --data-dir .exm --dispatchers 2`,
    )
    .action(
      action<UpFlags>(async ({ io, dataDir }, { dispatchers, readyFile }) => {
        const readyPath = readyFile === undefined ? undefined : prepareReadyFile(readyFile);
        const stopping = stopOnSignals(io);
        const parts = await startLocalParts({
          dataDir,
          dispatchers,
          // Not the file that an earlier run wrote: this run writes it anew.
          env: process.env,
          tell: (line) => io.note(line),
          signal: stopping.signal,
          hurry: stopping.hurry,
        });
        try {
          announce(io, parts);
          if (readyPath !== undefined) writeFileSync(readyPath, `${process.pid}\n`);
          await stopping.asked;
          if (readyPath !== undefined) rmSync(readyPath, { force: true });
        } finally {
          stopping.begun();
          await parts.stop();
        }
        io.note(`Stopped. The data are kept in ${dataDir}`);
        endProcess();
      }),
    );
}

/** One that a former run left must not be taken for this one's; one that cannot be written is refused before anything is started. */
function prepareReadyFile(file: string): string {
  const path = resolve(file);
  try {
    accessSync(dirname(path), constants.W_OK);
    rmSync(path, { force: true });
  } catch (cause) {
    throw new InputError('READY_FILE', `The ready file cannot be used: ${(cause as Error).message}`, {
      field: '--ready-file',
      value: file,
      hint: 'Name a file in a folder that you may write to.',
      cause,
    });
  }
  return path;
}

export interface Stopping {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  readonly asked: Promise<void>;
  /** Aborted by a signal that comes when a stop has begun. */
  readonly hurry: AbortSignal;
  /** To be called where a stop begins that no signal asked for: the next one hurries it. */
  begun(): void;
}

/** npm passes on a Ctrl-C that the terminal has sent to all its processes: two signals within this time are one. Milliseconds. */
const sameSignalMs = 500;

export function stopOnSignals(io: CliIo): Stopping {
  const stopping = new AbortController();
  const hurry = new AbortController();
  let hasBegun = false;
  let signalledAt = Number.NEGATIVE_INFINITY;
  const stop = () => {
    const isSame = performance.now() - signalledAt < sameSignalMs;
    signalledAt = performance.now();
    if (isSame || hurry.signal.aborted) return;
    if (hasBegun) {
      io.note('Not waiting for the workers any longer');
      hurry.abort();
      return;
    }
    hasBegun = true;
    io.note("Stopping: workers finish what they are at; Ctrl-C once more doesn't wait for them");
    stopping.abort(
      new FailedError('UP_INTERRUPTED', 'Stopped before everything ran.', {
        hint: 'What was started was stopped again, and the data are kept; start again when you like.',
      }),
    );
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  onNpmGone(stop);
  return {
    signal: stopping.signal,
    asked: new Promise((resolve) => stopping.signal.addEventListener('abort', () => resolve())),
    hurry: hurry.signal,
    begun() {
      hasBegun = true;
    },
  };
}

/** What each address is, in the order in which it is listed. */
const titles = {
  ui: 'Temporal Web UI',
  mail: 'Mail catcher',
  reports: 'Reports',
  tracking: 'Tracking links',
  temporal: 'Temporal',
  smtp: 'SMTP',
} as const satisfies Record<keyof LocalAddresses, string>;

/** What answers, and where: a row each. */
export function addressRows({ addresses, dispatchers, dataDir }: LocalParts): string[][] {
  const rows = Object.entries(titles).flatMap(([part, title]) => {
    const address = addresses[part as keyof LocalAddresses];
    return address === undefined ? [] : [[`  ${title}`, address]];
  });
  rows.push([
    '  Dispatchers',
    dispatchers.join(', ') || 'none; start them with "exm worker dedicated-dispatch"',
  ]);
  rows.push(['  Data and logs', dataDir]);
  return rows;
}

/** Commands look into the folder that is the default where they are started. */
function whereFound(dataDir: string): string {
  return dataDir === dataDirOf(undefined, {})
    ? 'Commands find it by themselves where this one was started, for example: exm campaign ls'
    : `Commands find it by its folder, for example: exm campaign ls --data-dir ${dataDir}`;
}

function announce(io: CliIo, parts: LocalParts): void {
  const { addresses, dispatchers, dataDir } = parts;
  io.result(
    { ready: true, pid: process.pid, dataDir, addresses, dispatchers },
    `
Everything runs.

${table(addressRows(parts))}

${whereFound(dataDir)}
Ctrl-C stops everything and keeps the data.
`,
  );
}
