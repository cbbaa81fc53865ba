import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { exitCodes } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import { commands } from './commands.ts';
import { outliveLostOutput } from './lost-output.ts';

const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };

/** How long a command that has done its work waits for what may still be open. Milliseconds. */
const endPatienceMs = 1_000;

outliveLostOutput();
const program = new Command('exm')
  .description('Sends email campaigns: durable, on Temporal, by any number of dispatch servers.')
  .version(version);

const [called = '', calledOfIt] = process.argv.slice(2);
// Loading a worker takes a moment, in which a signal would end the process without a word.
if (called === 'worker') (await import('../../workers/stop-request.ts')).listenForStop();
for (const [name, { about, load }] of Object.entries(commands)) {
  program.addCommand(name === called ? await load(calledOfIt) : new Command(name).description(about));
}

/** Wrong usage ends with 2 and names --help, also in commands of commands; asking for help is not an error. */
function explainWrongUsage(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for the flags and an example)');
  command.commands.forEach(explainWrongUsage);
}

explainWrongUsage(program);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
}
// A command that failed may leave connections of the Temporal SDK behind, which would keep the process alive.
if (process.exitCode !== undefined && process.exitCode !== exitCodes.done) process.exit();
// So may exm.config.ts, with a timer or a connection of its own.
setTimeout(() => process.exit(), endPatienceMs).unref();
