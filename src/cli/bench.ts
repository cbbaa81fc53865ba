import { setMaxListeners } from 'node:events';
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { farFactor, goalState } from '../bench/goal.ts';
import { type Machine, machineBeforeStart } from '../bench/machine.ts';
import type { Measurement } from '../bench/measurement.ts';
import { measurements } from '../bench/measurements.ts';
import { type OpenStage, openStage } from '../bench/open-stage.ts';
import { profileShares, profilesIn } from '../bench/profile.ts';
import { exitCodes, FailedError, InputError } from '../domain/errors.ts';
import { makeFolder } from '../local/make-folder.ts';
import { onNpmGone } from '../local/supervision.ts';
import { type BenchResult, benchReport, machineLines, resultText } from './bench-report.ts';
import { action } from './command.ts';
import { endProcess } from './end-process.ts';
import { type CliIo, describeError } from './io.ts';
import { table } from './table.ts';

interface BenchFlags {
  readonly size: number;
  readonly json?: string;
  readonly list?: boolean;
  readonly check?: boolean;
  readonly profile?: string;
}

const sizes: Readonly<Record<string, number>> = { full: 1, short: 0.1 };
const sizeMaximum = 10;

export function benchCommand(): Command {
  return new Command('bench')
    .description("measure how fast this program is on this machine (EXM's Performance Measurement tool)")
    .argument('[measurements...]', 'which ones; left out: all of them')
    .addOption(
      new Option('--size <size>', 'full, short (a tenth), or so much of full as a number, such as 0.5')
        .argParser(parseSize)
        .default(1, 'full'),
    )
    .option('--json <file>', 'also write the figures to this file as one JSON object; - is stdout')
    .option('--list', 'say what can be measured, and measure nothing')
    .option('--check', `exit with 1 where a figure misses its goal by far`)
    .option(
      '--profile <folder>',
      'keep CPU profiles of the dispatchers there, and say what their time goes to',
    )
    .addHelpText(
      'after',
      `
Starts PostgreSQL, Temporal, a mail server that only counts, and workers, all on loopback and in one temporary folder
that is removed in the end. Nothing of an installation is used or touched, whatever DATABASE_URL and the like say.

What counts are the ratios: each thing is compared with something that does nothing else, in the same run. Let the
machine do nothing else meanwhile. A goal that is missed changes nothing about the exit code; with --check one that is
missed by far does: the figure is less than 1/${farFactor} of what is aimed at, more than ${farFactor} times where less is better, or beyond the
bound that the table names.

Examples:
  exm bench
  exm bench dispatch --size short --json figures.json
  exm bench dispatch --profile profiles
  exm bench --list`,
    )
    .action(action<BenchFlags>(async ({ io }, flags, ...names) => await bench(io, flags, names.flat())));
}

async function bench(io: CliIo, flags: BenchFlags, names: readonly string[]): Promise<void> {
  if (flags.list) {
    const rows = measurements.map(({ name, about }) => [name, about]);
    io.result({ measurements: measurements.map(({ name, about }) => ({ name, about })) }, table(rows));
    return;
  }
  const chosen = choose(names);
  const file = flags.json === undefined || io.json ? undefined : writableFile(flags.json);
  const profileFolder = flags.profile === undefined ? undefined : writableFolder(flags.profile);
  const machine = machineBeforeStart();
  if (machine.warning !== undefined) io.note(`warning: ${machine.warning}`);
  noteIgnored(io);
  const stopping = stopOnSignals(io);
  const stage = openStage({
    factor: flags.size,
    signal: stopping,
    tell: (line) => io.note(line),
    profileFolder,
  });
  let results: readonly BenchResult[];
  let used: Machine;
  try {
    results = await measureAll(io, stage, chosen, profileFolder);
    used = await machine.with(stage);
  } finally {
    await stage.close();
  }
  const report = benchReport(flags.size, used, results);
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  io.result(report, machineLines(used));
  const isFar = results.some(({ rows }) => rows.some((row) => goalState(row) === 'far'));
  const hasFailed = results.some(({ error }) => error !== undefined);
  if (hasFailed || (flags.check && isFar)) process.exitCode = exitCodes.failed;
  endProcess();
}

/** One after the other: each has the machine to itself. One that fails doesn't take the others' figures away. */
async function measureAll(
  io: CliIo,
  stage: OpenStage,
  chosen: readonly Measurement[],
  profileFolder: string | undefined,
): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = [];
  for (const { name, about, run } of chosen) {
    io.note(`\nMeasuring ${name}`);
    const profiled = profileFolder === undefined ? [] : profilesIn(profileFolder);
    const measured: BenchResult = await run(stage).then(
      (rows) => ({ name, about, rows }),
      (error) => {
        if (stage.signal.aborted) throw stage.signal.reason;
        const { text, json } = describeError(error);
        io.note(text);
        return { name, about, rows: [], error: json['error'] as BenchResult['error'] };
      },
    );
    const result = profileFolder
      ? { ...measured, profile: profileShares(profileFolder, profilesIn(profileFolder, profiled)) }
      : measured;
    results.push(result);
    if (!io.json) process.stdout.write(`${resultText(result)}\n`);
  }
  return results;
}

function choose(names: readonly string[]): readonly Measurement[] {
  const unknown = names.find((name) => !measurements.some((known) => known.name === name));
  if (unknown !== undefined) {
    throw new InputError('BENCH_MEASUREMENT', 'There is no such measurement.', {
      field: 'measurements',
      value: unknown,
      hint: `There are ${measurements.map(({ name }) => name).join(', ')}; "exm bench --list" says what each is.`,
    });
  }
  return names.length === 0 ? measurements : measurements.filter(({ name }) => names.includes(name));
}

/** @throws InputError BENCH_JSON_FILE where it cannot be written: better now than after the measurements */
function writableFile(file: string): string {
  const path = resolve(file);
  try {
    if (existsSync(path)) {
      if (!statSync(path).isFile()) throw new Error('it is no file');
      accessSync(path, constants.W_OK);
    } else accessSync(dirname(path), constants.W_OK);
    return path;
  } catch (cause) {
    throw new InputError(
      'BENCH_JSON_FILE',
      `The file for the figures cannot be written: ${(cause as Error).message}`,
      {
        field: '--json',
        value: file,
        hint: 'Name a file in a folder that you may write to, or - for stdout.',
        cause,
      },
    );
  }
}

function writableFolder(folder: string): string {
  const path = resolve(folder);
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK);
    return path;
  } catch (cause) {
    throw new InputError(
      'BENCH_PROFILE_FOLDER',
      `The folder for profiles cannot be used: ${(cause as Error).message}`,
      {
        field: '--profile',
        value: folder,
        hint: 'Name a folder that you may write to; one that is not there yet is made.',
        cause,
      },
    );
  }
}

/** What would be an installation for any other command. */
const installation = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'EXM_SMTP_URL', 'EXM_CONFIG'];

function noteIgnored(io: CliIo): void {
  const set = installation.filter((name) => process.env[name]);
  if (set.length > 0) io.note(`The bench starts parts of its own and does not use ${set.join(', ')}`);
}

function parseSize(text: string): number {
  const size = sizes[text] ?? (text.trim() === '' ? Number.NaN : Number(text));
  if (size > 0 && size <= sizeMaximum) return size;
  throw new InvalidArgumentError(
    `It must be full, short, or a number above 0, ${sizeMaximum} at most, such as 0.5.`,
  );
}

function stopOnSignals(io: CliIo): AbortSignal {
  const stopping = new AbortController();
  // Each process and each wait of a measurement listens to it.
  setMaxListeners(0, stopping.signal);
  const stop = () => {
    if (stopping.signal.aborted) return;
    io.note('Stopping, and removing what was started');
    stopping.abort(
      new FailedError('BENCH_INTERRUPTED', 'Stopped before everything was measured.', {
        hint: 'Nothing is left of it. Start again when you like; single measurements can be named.',
      }),
    );
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  onNpmGone(stop);
  return stopping.signal;
}
