import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { exitCodes } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import { outliveLostOutput } from './lost-output.ts';

const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };

/** How long a command that has done its work waits for what may still be open. Milliseconds. */
const endPatienceMs = 1_000;

/** The commands, each loaded only when it is called: a short answer must not wait for the whole program to load. */
const commands: Record<string, { readonly about: string; readonly load: () => Promise<Command> }> = {
  up: {
    about: 'start everything on this machine',
    load: async () => (await import('./up.ts')).upCommand(),
  },
  demo: {
    about: 'start everything, import people, send a newsletter, show the outcome',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  'mail-catcher': {
    about: 'an SMTP server that keeps all mail to itself, with a web page (part of "up")',
    load: async () => (await import('./mail-catcher.ts')).mailCatcherCommand(),
  },
  worker: {
    about: 'run one worker process of a role',
    load: async () => {
      // Loading the rest takes a moment, in which a signal would end the process without a word.
      (await import('../../workers/stop-request.ts')).listenForStop();
      return (await import('./worker.ts')).workerCommand();
    },
  },
  campaign: {
    about: 'check, create, start, steer and watch campaigns',
    load: async () => (await import('./campaign.ts')).campaignCommand(),
  },
  contact: {
    about: 'import contacts, look at one, and opt out of all mail or of a list',
    load: async () => (await import('./contact.ts')).contactCommand(),
  },
  list: {
    about: 'static lists of contacts',
    load: async () => (await import('./list.ts')).listCommand(),
  },
  why: {
    about: 'why a person did or did not get a campaign',
    load: async () => (await import('./why.ts')).whyCommand(),
  },
  server: {
    about: 'the worker processes, and the Sleep of dispatchers',
    load: async () => (await import('./server.ts')).serverCommand(),
  },
  doctor: {
    about: 'what is reachable, what is wrong, what to do',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  bench: {
    about: 'measure how fast this program is on this machine',
    load: async () => (await import('./bench.ts')).benchCommand(),
  },
  keys: {
    about: 'the keys of an installation',
    load: async () => (await import('./keys.ts')).keysCommand(),
  },
  migrate: {
    about: "bring the database's schema up to this version",
    load: async () => (await import('./migrate.ts')).migrateCommand(),
  },
};

outliveLostOutput();
const program = new Command('exm')
  .description('Sends email campaigns: durable, on Temporal, by any number of dispatch servers.')
  .version(version);

const called = process.argv[2] ?? '';
for (const [name, { about, load }] of Object.entries(commands)) {
  program.addCommand(name === called ? await load() : new Command(name).description(about));
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
