import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { exitCodes } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import { keysCommand } from './keys.ts';
import { migrateCommand } from './migrate.ts';

const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };

const program = new Command('exm')
  .description('Sends email campaigns: durable, on Temporal, by any number of dispatch servers.')
  .version(version)
  .showHelpAfterError('(add --help for the flags and an example)')
  .addCommand(migrateCommand())
  .addCommand(keysCommand());

/** Wrong usage ends with 2, also in commands of commands; asking for help is not an error. */
function exitWithOurCodes(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitWithOurCodes);
}

exitWithOurCodes(program);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
}
