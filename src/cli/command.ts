import type { Command } from 'commander';
import { dataDirOf, type Environment, loadEnvironment } from '../config/environment.ts';
import { CliIo, describeError, type GlobalFlags } from './io.ts';

/** What a command's action is given besides its own arguments and flags. */
export interface CommandContext {
  readonly io: CliIo;
  /** Where `exm up` keeps its data. */
  readonly dataDir: string;
  /** The real environment, then `<data-dir>/env`. */
  readonly env: Environment;
}

/** Adds to a command the flags that every command has. */
export function withGlobalFlags(command: Command): Command {
  return command
    .option('--json', 'print one JSON object on stdout')
    .option('--data-dir <dir>', 'where "exm up" keeps its data (default: EXM_DATA_DIR, else .exm)');
}

/**
 * Runs a command's action: prepares its context, and turns whatever it throws into one message and an exit code.
 * The flags come last in commander's arguments, before the command itself.
 */
export function action<Flags extends object>(
  run: (context: CommandContext, flags: Flags & GlobalFlags, ...positional: string[]) => Promise<void>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const flags = args.at(-2) as Flags & GlobalFlags;
    const positional = args.slice(0, -2) as string[];
    const io = new CliIo(flags);
    try {
      const dataDir = dataDirOf(flags.dataDir, process.env);
      await run({ io, dataDir, env: loadEnvironment(dataDir) }, flags, ...positional);
    } catch (error) {
      const { exitCode, text, json } = describeError(error);
      io.note(text);
      if (io.json) process.stdout.write(`${JSON.stringify(json)}\n`);
      process.exitCode = exitCode;
    }
  };
}
