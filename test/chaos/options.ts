import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { table } from '../../src/cli/table.ts';
import type { Fault } from './faults/fault.ts';
import { faults } from './faults/index.ts';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Number of the first round. */
  readonly first: number;
  /** Rounds at the most. */
  readonly rounds: number;
  readonly dispatchers: number;
  readonly keep: boolean;
  readonly json: boolean;
}

const seeds = 2 ** 32;

/** @throws CommanderError for arguments that are wrong, and where only help was asked for; it has been told then */
export function readOptions(args: readonly string[]): ChaosOptions {
  const program = new Command('npm run chaos --')
    .description(
      'Sends campaigns on an installation of its own while what it consists of is killed, frozen and cut off at random moments, ' +
        'and compares the ledger with what a mail server received.',
    )
    .addOption(new Option('--minutes <n>', 'how long').argParser(positive).default(2))
    .addOption(
      new Option('--seed <n>', 'decides all that happens; default: a new one').argParser(
        wholeFrom(0, seeds - 1),
      ),
    )
    .addOption(new Option('--only <faults>', 'only these faults, separated by commas').argParser(named))
    .addOption(
      new Option('--first <n>', 'begin with this round of the seed').argParser(wholeFrom(1, 1e6)).default(1),
    )
    .addOption(
      new Option('--rounds <n>', 'end after so many rounds').argParser(wholeFrom(1, 1e6)).default(1e6, 'any'),
    )
    .addOption(new Option('--dispatchers <n>', 'dispatchers').argParser(wholeFrom(1, 8)).default(2))
    .option('--keep', 'keep the folder also where every promise was kept', false)
    .option('--json', 'print the figures as one JSON object; what happens goes to stderr', false)
    .addHelpText('after', `\nFaults:\n${table(faults.map(({ name, about }) => [`  ${name}`, about]))}`)
    .allowExcessArguments(false)
    .exitOverride()
    .parse(args, { from: 'user' });
  const {
    only,
    seed = randomInt(seeds),
    ...options
  } = program.opts<Omit<ChaosOptions, 'faults' | 'seed'> & { only?: readonly Fault[]; seed?: number }>();
  return { ...options, seed, faults: only ?? faults };
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Give a number above 0.');
}

function wholeFrom(minimum: number, maximum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`);
  };
}

function named(text: string): readonly Fault[] {
  return text.split(',').map((name) => {
    const fault = faults.find((known) => known.name === name.trim());
    if (fault !== undefined) return fault;
    throw new InvalidArgumentError(
      `There is no fault "${name}". Those known: ${faults.map((known) => known.name).join(', ')}.`,
    );
  });
}
