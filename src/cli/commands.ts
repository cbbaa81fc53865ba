import type { Command } from 'commander';

export interface LazyCommand {
  readonly about: string;
  /** @param called the word behind the command's name: which of its own commands is called */
  readonly load: (called?: string) => Promise<Command>;
}

/** The commands, each loaded only when it is called: a short answer must not wait for the whole program to load. */
export const commands: Readonly<Record<string, LazyCommand>> = {
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
    load: async () => (await import('./worker.ts')).workerCommand(),
  },
  campaign: {
    about: 'check, create, start, steer and watch campaigns',
    load: async (called) => await (await import('./campaign.ts')).campaignCommand(called),
  },
  contact: {
    about: 'import, set, export, look at and erase contacts, and opt out of all mail or of a list',
    load: async () => (await import('./contact.ts')).contactCommand(),
  },
  list: {
    about: 'lists of contacts: make, fill, look at and remove them',
    load: async () => (await import('./list.ts')).listCommand(),
  },
  segment: {
    about: 'segmented lists: contacts for whom a condition holds',
    load: async () => (await import('./segment.ts')).segmentCommand(),
  },
  suppression: {
    about: 'the suppression list: addresses no mail server should be bothered with',
    load: async () => (await import('./suppression.ts')).suppressionCommand(),
  },
  feedback: {
    about: 'bounces, complaints and unsubscribes that came by mail',
    load: async () => (await import('./feedback.ts')).feedbackCommand(),
  },
  facet: {
    about: 'facets of contacts, and their types',
    load: async () => (await import('./facet.ts')).facetCommand(),
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
