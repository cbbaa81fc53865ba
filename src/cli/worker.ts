import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { DispatcherOptions } from '../../workers/dispatcher.ts';
import { type Role, type RoleContext, type RunningRole, roles, runRole } from '../../workers/runtime.ts';
import type { Environment } from '../config/environment.ts';
import { InputError } from '../domain/errors.ts';
import { defaultPool } from '../domain/names.ts';
import type { Emulation } from '../message/content.ts';
import { action, withGlobalFlags } from './command.ts';
import { endProcess } from './end-process.ts';
import { maximumSleepMs, parseWholeNumber } from './flags.ts';
import { type HostPort, parseHostPort } from './host-port.ts';

interface WorkerFlags {
  readonly name?: string;
  readonly smtp?: string;
  readonly sleepMs: number;
  readonly threads: number;
  readonly pool: string;
  readonly emulate?: Emulation;
  readonly emulateFailures?: number;
  readonly dispatch: boolean;
  readonly listen?: HostPort;
  readonly receive?: HostPort;
  readonly maildir?: string;
  readonly metrics?: HostPort;
}

/** Where the roles with pages listen unless told otherwise: loopback only. */
const defaultPorts = { 'content-delivery': 8480, reporting: 8481 } as const;

const examples = `
Roles:
  primary             coordinates campaigns, and sends too unless --no-dispatch
  dedicated-dispatch  sends
  content-delivery    serves opens, clicks, unsubscribe and view online
  processing          turns events into interactions and reports, and reads what comes back by mail
  reporting           serves the reports

Examples:
  exm worker primary --no-dispatch
  exm worker dedicated-dispatch --name mta-2 --smtp smtp://10.0.0.2:25 --sleep-ms 200 --threads 4
  exm worker content-delivery --listen 0.0.0.0:8480
  exm worker processing --receive 127.0.0.1:2525`;

export function workerCommand(): Command {
  return withGlobalFlags(new Command('worker'))
    .description('run one worker process of a role; SIGTERM drains it')
    .argument('<role>', roles.join(', '))
    .option('--name <name>', 'name of this server (default: role and host name)')
    .option('--smtp <url>', "this host's mail server (default: EXM_SMTP_URL)")
    .option('--sleep-ms <ms>', 'pause after each message', parseWholeNumber(0, maximumSleepMs), 50)
    .option('--threads <number>', 'messages sent at the same time', parseWholeNumber(1, 1_000), 10)
    .option('--pool <name>', 'send the campaigns of this pool', defaultPool)
    .option('--no-dispatch', 'primary: leave all sending to dedicated dispatchers')
    .addOption(
      new Option('--emulate <min..max>', 'send nothing: each message takes a random time, ms').argParser(
        parseEmulation,
      ),
    )
    .option('--emulate-failures <probability>', 'with --emulate: how many fail, 0 to 1', parseProbability)
    .option('--listen <host:port>', 'content-delivery, reporting: where to listen', parseHostPort)
    .option('--receive <host:port>', 'processing: take bounces by SMTP here', parseHostPort)
    .option('--maildir <path>', 'processing: take bounces from this Maildir')
    .option('--metrics <host:port>', 'serve figures for Prometheus at /metrics', parseHostPort)
    .addHelpText('after', examples)
    .action(
      action<WorkerFlags>(async ({ env, dataDir }, flags, roleName = '') => {
        const role = roles.find((known) => known === roleName);
        if (role === undefined) {
          throw new InputError('ROLE_UNKNOWN', 'There is no such role.', {
            field: 'role',
            value: roleName,
            hint: `The roles are ${roles.join(', ')}.`,
          });
        }
        await runWorker(role, flags, { ...env, EXM_DATA_DIR: dataDir });
        endProcess();
      }),
    );
}

async function runWorker(role: Role, flags: WorkerFlags, env: Environment): Promise<void> {
  const dispatch = dispatcherOptions(flags);
  const dispatches = role === 'dedicated-dispatch' || (role === 'primary' && flags.dispatch);
  const listen = (name: keyof typeof defaultPorts) =>
    flags.listen ?? { host: '127.0.0.1', port: defaultPorts[name] };
  // A process loads only what its role needs.
  const start: Record<Role, (context: RoleContext) => Promise<RunningRole>> = {
    primary: async (context) =>
      await (await import('../../workers/primary.ts')).startPrimary(context, {
        dispatch: flags.dispatch ? { ...dispatch, smtpUrl: context.settings.smtpUrl } : undefined,
      }),
    'dedicated-dispatch': async (context) =>
      await (await import('../../workers/dedicated-dispatch.ts')).startDedicatedDispatch(context, {
        ...dispatch,
        smtpUrl: context.settings.smtpUrl,
      }),
    'content-delivery': async (context) =>
      await (await import('../../workers/content-delivery.ts')).startContentDelivery(
        context,
        listen('content-delivery'),
      ),
    processing: async (context) =>
      await (await import('../../workers/processing.ts')).startProcessing(context, {
        receive: flags.receive,
        maildir: flags.maildir,
      }),
    reporting: async (context) =>
      await (await import('../../workers/reporting.ts')).startReporting(context, listen('reporting')),
  };
  const { pool, threads, sleepMs } = flags;
  await runRole({
    role,
    name: flags.name ?? `${role}-${hostname()}`,
    env: flags.smtp === undefined ? env : { ...env, EXM_SMTP_URL: flags.smtp },
    ...(dispatches ? { presence: { pool, threads, sleepMs } } : {}),
    metrics: flags.metrics,
    start: start[role],
  });
}

function dispatcherOptions(flags: WorkerFlags): Omit<DispatcherOptions, 'smtpUrl'> {
  const { pool, threads, sleepMs, emulate, emulateFailures } = flags;
  if (emulateFailures !== undefined && emulate === undefined) {
    throw new InputError('FLAG_ALONE', '--emulate-failures goes with --emulate.', {
      field: '--emulate-failures',
      value: emulateFailures,
    });
  }
  return {
    pool,
    threads,
    sleepMs,
    emulation: emulate === undefined ? undefined : { ...emulate, failureProbability: emulateFailures ?? 0 },
  };
}

function parseEmulation(text: string): Emulation {
  const [, minimum, maximum] = /^(\d{1,7})\.\.(\d{1,7})$/.exec(text) ?? [];
  const [minimumMs, maximumMs] = [Number(minimum), Number(maximum)];
  if (minimum === undefined || minimumMs > maximumMs) {
    throw new InvalidArgumentError('It must be two numbers of milliseconds such as 10..50.');
  }
  return { minimumMs, maximumMs, failureProbability: 0 };
}

function parseProbability(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}
