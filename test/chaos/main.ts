import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { randomFor } from '../support/random.ts';
import { ChaosInstallation } from './installation.ts';
import { MailReceiver } from './mail-receiver.ts';
import { type ChaosOptions, readOptions } from './options.ts';
import { People } from './people.ts';
import { describeRound, planRound } from './plan-round.ts';
import { type ChaosReport, describeReport, describeResult, reportOf } from './report.ts';
import { type RoundResult, runRound } from './run-round.ts';
import { errorsInLogs } from './worker-logs.ts';

/** Decisions that the mail server takes message by message. */
const mailServerStream = 0;

async function chaos(options: ChaosOptions): Promise<boolean> {
  const { seed, json } = options;
  const tell = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!ending.signal.aborted) tell('Ending; what was begun is taken back');
      ending.abort();
    });
  }
  // Whoever reads along may leave, and nothing may be left running because of it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ending.abort());
  tell(`Seed ${seed}`);
  const receiver = await MailReceiver.start(randomFor(seed, mailServerStream));
  const results: RoundResult[] = [];
  let report: ChaosReport | undefined;
  let installation: ChaosInstallation | undefined;
  let keep = true;
  try {
    installation = await ChaosInstallation.start(receiver.url, options.dispatchers);
    tell(`Everything runs in ${installation.dir}`);
    const startedAt = Date.now();
    await runRounds(options, { installation, receiver, ending, results, tell });
    report = reportOf(seed, Date.now() - startedAt, results, errorsInLogs(installation.up.announced.dataDir));
    keep = options.keep || report.broken.length > 0;
  } finally {
    await installation?.stop(keep);
    await receiver.stop();
  }
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else tell(`\n${describeReport(report)}`);
  for (const { round, campaigns, promise } of report.broken) {
    tell(`\nBROKEN in round ${round} (${campaigns.join(', ')}): ${promise}`);
  }
  if (keep) tell(`\nThe data and the logs are kept in ${installation.dir}/.exm`);
  if (report.broken.length > 0) {
    const [first] = report.broken;
    tell(
      `Again from there: npm run chaos -- --seed ${seed} --first ${first?.round} --minutes ${options.minutes}`,
    );
  }
  return report.broken.length === 0;
}

interface Run {
  readonly installation: ChaosInstallation;
  readonly receiver: MailReceiver;
  readonly ending: AbortController;
  readonly results: RoundResult[];
  readonly tell: (line: string) => void;
}

async function runRounds(options: ChaosOptions, run: Run): Promise<void> {
  const { installation, receiver, ending, results, tell } = run;
  const { signal } = ending;
  const pause = async (ms: number) => {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  };
  const people = new People();
  const until = Date.now() + options.minutes * 60_000;
  for (let n = 0; n < options.rounds && Date.now() < until && !signal.aborted; n++) {
    const planned = planRound(options.seed, options.first + n, options.faults);
    tell(`${planned.number}: ${describeRound(planned)}`);
    const result = await runRound({ installation, receiver, people, pause, signal }, planned);
    if (signal.aborted) return;
    results.push(result);
    tell(describeResult(result));
    for (const excuse of result.excuses) tell(`     excused: ${excuse}`);
    // What is stuck would be in the way of everything that follows.
    if (result.isStuck) return;
  }
}

try {
  process.exitCode = (await chaos(readOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
