import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Accounts that a program expects. Their numbers are nobody's else. */
export interface Account {
  readonly name: string;
  readonly id: number;
}

export interface PrivateSystem {
  readonly folder: string;
  readonly accounts: readonly Account[];
  /** Further folders of shared libraries. */
  readonly libraries: readonly string[];
}

export interface Running {
  /** The last of what it wrote. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

/**
 * Runs a program that sees further accounts and libraries than the host has: its own /etc/passwd, /etc/group and
 * /etc/ld.so.cache, in a mount namespace that ends with it. The host stays as it is.
 */
export async function runInPrivateSystem(
  { folder, accounts, libraries }: PrivateSystem,
  command: readonly string[],
): Promise<Running> {
  const own = (name: string): string => join(folder, name.replaceAll('/', '-'));
  for (const file of ['/etc/passwd', '/etc/group']) copyFileSync(file, own(file));
  for (const { name, id } of accounts) {
    if (!has('/etc/passwd', name))
      appendFileSync(own('/etc/passwd'), `${name}:x:${id}:${id}::/nonexistent:/bin/false\n`);
    if (!has('/etc/group', name)) appendFileSync(own('/etc/group'), `${name}:x:${id}:\n`);
  }
  const cache = '/etc/ld.so.cache';
  spawnSync('ldconfig', ['-C', own(cache), '-f', '/etc/ld.so.conf', ...libraries], {
    env: { PATH: `${process.env['PATH']}:/sbin:/usr/sbin` },
  });
  const mounts = ['/etc/passwd', '/etc/group', cache].map((file) => `mount --bind '${own(file)}' ${file}`);
  const script = `${mounts.join(' && ')} && exec "$@"`;
  const program = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command], {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (bytes) => {
      output = `${output}${bytes}`.slice(-5_000);
    });
  }
  return {
    output: () => output,
    stop: async () => {
      if (program.exitCode !== null || program.signalCode !== null) return;
      program.kill('SIGTERM');
      await once(program, 'exit');
    },
  };
}

/** The number of an account in a private system. */
export function idOf({ name, id }: Account): number {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return line === undefined ? id : Number(line.split(':')[2]);
}

function has(file: string, name: string): boolean {
  return readFileSync(file, 'utf8')
    .split('\n')
    .some((line) => line.startsWith(`${name}:`));
}
