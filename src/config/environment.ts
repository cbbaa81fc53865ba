import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { InputError } from '../domain/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const defaultDataDir = '.exm';

/** The folder in which `exm up` keeps its data: the flag, else EXM_DATA_DIR, else `.exm` here. */
export function dataDirOf(flag: string | undefined, env: Environment, cwd = process.cwd()): string {
  return resolve(cwd, flag ?? env['EXM_DATA_DIR'] ?? defaultDataDir);
}

/** The file to which `exm up` writes the addresses of what it started. */
export function environmentFile(dataDir: string): string {
  return join(dataDir, 'env');
}

/** The real environment, and behind it what `exm up` wrote to `<data-dir>/env`. */
export function loadEnvironment(dataDir: string, real: Environment = process.env): Environment {
  const file = environmentFile(dataDir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    // ENOTDIR: the data folder is a file, which is said by whoever needs the folder.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return real;
    throw new InputError('ENVIRONMENT_FILE', `The file ${file} cannot be read: ${(error as Error).message}`, {
      field: file,
      hint: 'Make it readable, or name another folder with --data-dir.',
      cause: error,
    });
  }
  return { ...parseEnv(text), ...real };
}
