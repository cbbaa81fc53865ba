import { statSync } from 'node:fs';
import { Command } from 'commander';
import { exitCodes } from '../domain/errors.ts';
import { action, withGlobalFlags } from './command.ts';
import { checkBounceDomain } from './doctor/bounce-domain.ts';
import { type Check, ok, wrong } from './doctor/check.ts';
import { checkConfiguration } from './doctor/configuration.ts';
import { checkDkim } from './doctor/dkim.ts';
import { checkBaseUrl, checkDatabase, checkSmtp, checkTemporal } from './doctor/engines.ts';
import { checkEnvironment, checkNode } from './doctor/environment.ts';

export function doctorCommand(): Command {
  return withGlobalFlags(new Command('doctor'))
    .description('say what is set, what is reachable, what is wrong, and what to do about it')
    .addHelpText('after', '\nEnds with 0 where nothing is wrong, 1 otherwise.\n\nExample:\n  exm doctor')
    .action(
      action(async ({ io, env, dataDir }) => {
        const groups = await Promise.all([
          [checkNode(), checkDataDir(dataDir)],
          checkEnvironment(env, process.env, dataDir),
          checkConfiguration(env, process.cwd()),
          checkDatabase(env),
          checkTemporal(env),
          checkSmtp(env),
          checkDkim(env),
          checkBounceDomain(env),
          checkBaseUrl(env),
        ]);
        const checks = groups.flat();
        const nothingWrong = checks.every((check) => check.status !== 'wrong');
        io.result({ ok: nothingWrong, checks }, describe(checks));
        process.exitCode = nothingWrong ? exitCodes.done : exitCodes.failed;
      }),
    );
}

function checkDataDir(dataDir: string): Check {
  const name = 'Data folder';
  const todo = 'Name another one with --data-dir or EXM_DATA_DIR.';
  try {
    const found = statSync(dataDir, { throwIfNoEntry: false });
    if (found === undefined) return ok(name, `${dataDir} (not there; "exm up" makes it)`);
    return found.isDirectory() ? ok(name, dataDir) : wrong(name, `${dataDir} is no folder`, todo);
  } catch (error) {
    return wrong(name, `${dataDir} cannot be used: ${(error as Error).message}`, todo);
  }
}

function describe(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap(({ name, status, found, todo }, index) => [
    `${status.padEnd(7)}  ${name.padEnd(width)}  ${found}`,
    // What is to be done about several lines in a row stands below the last of them.
    ...(todo === undefined || todo === checks[index + 1]?.todo
      ? []
      : [`${' '.repeat(9 + width)}  to do: ${todo}`]),
  ]);
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const [wrongs, warnings] = [count('wrong'), count('warning')];
  const summary =
    wrongs === 0 ? 'Nothing is wrong' : `${wrongs} ${wrongs === 1 ? 'thing is' : 'things are'} wrong`;
  return `${lines.join('\n')}\n\n${summary}${warnings === 0 ? '' : `, ${warnings} to look at`}.`;
}
