import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, parse } from 'node:path';
import { FailedError } from '../domain/errors.ts';

/** The account that PostgreSQL runs under. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** A command line, and the account to start it under where it doesn't change that by itself. */
export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * PostgreSQL refuses to run as root. Where we are root it runs as `postgres`, which is created where it is missing;
 * otherwise (undefined) as the one who runs us.
 * @throws FailedError
 */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUp('postgres');
  if (existing !== undefined) return existing;
  try {
    execFileSync('groupadd', ['--system', '--force', 'postgres'], { stdio: 'pipe' });
    execFileSync('useradd', ['--system', '--no-create-home', '--gid', 'postgres', 'postgres'], {
      stdio: 'pipe',
    });
  } catch (cause) {
    throw noAccount(cause);
  }
  const created = lookUp('postgres');
  if (created === undefined) throw noAccount(undefined);
  return created;
}

function noAccount(cause: unknown): FailedError {
  return new FailedError(
    'POSTGRES_ACCOUNT',
    'PostgreSQL cannot run as root, and there is no account "postgres" on this system.',
    {
      hint: 'Create one ("useradd --system postgres"), run exm as another user, or set DATABASE_URL.',
      cause,
    },
  );
}

function lookUp(name: string): Account | undefined {
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/**
 * How to run a program of PostgreSQL on `dataDir` under that account. Where a folder on the way is closed to it (a
 * checkout below /root), the account is let through by Linux' CAP_DAC_OVERRIDE, with util-linux' setpriv.
 * @throws FailedError where that isn't possible either.
 */
export function invokeAs(
  account: Account | undefined,
  command: string,
  args: readonly string[],
  dataDir: string,
): Invocation {
  if (account === undefined) return { command, args };
  const closed = [command, dataDir].map((path) => closedFolder(path, account)).find(Boolean);
  if (closed === undefined) return { command, args, ...account };
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  if (setpriv === undefined) {
    throw new FailedError(
      'POSTGRES_ACCOUNT',
      `PostgreSQL cannot run as root, and the account "postgres" may not enter ${closed}.`,
      {
        field: closed,
        hint: `Let others pass through it ("chmod o+x ${closed}"), move to a folder such as /srv, run exm as another user, or set DATABASE_URL.`,
      },
    );
  }
  return {
    command: setpriv,
    args: [
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--clear-groups',
      '--securebits=+no_setuid_fixup',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      command,
      ...args,
    ],
  };
}

/** The first folder above `path` that this account may not enter. */
function closedFolder(path: string, account: Account): string | undefined {
  const root = parse(path).root;
  let closed: string | undefined;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) closed = folder;
    if (folder === root) return closed;
  }
}
