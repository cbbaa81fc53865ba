import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from '../config/environment.ts';
import { earlierKeysVariable, generateKeys, keyVariables, readKeys } from '../config/keys.ts';
import { InputError, RefusedError } from '../domain/errors.ts';
import { defaultQueuePrefix } from '../domain/names.ts';
import { formatEnvironment } from './env-file.ts';
import { makeFolder } from './make-folder.ts';
import { acquireProcessLock, type ProcessLock } from './process-lock.ts';
import { writePrivateFile } from './write-file.ts';

/** The folder in which `exm up` keeps everything between its runs. */
export interface DataDir {
  readonly path: string;
  file(...names: string[]): string;
  logFile(part: string): string;
  readJson(name: string): unknown;
  writeJson(name: string, value: unknown): void;
  /** Lets the next `exm up` have it. */
  release(): void;
}

/**
 * Makes the folder where it is missing, and takes it for this process.
 * @throws RefusedError DATA_DIR_IN_USE where another process runs on it; InputError DATA_DIR where it cannot be used.
 */
export async function openDataDir(path: string): Promise<DataDir> {
  const lock = await lockDataDir(path);
  const file = (...names: string[]) => join(path, ...names);
  return {
    path,
    file,
    logFile: (part) => file('logs', `${part}.log`),
    readJson(name) {
      try {
        return JSON.parse(readFileSync(file(name), 'utf8'));
      } catch {
        return undefined;
      }
    },
    writeJson: (name, value) => writePrivateFile(file(name), `${JSON.stringify(value)}\n`),
    release: () => lock.release(),
  };
}

async function lockDataDir(path: string): Promise<ProcessLock> {
  let result: Awaited<ReturnType<typeof acquireProcessLock>>;
  try {
    // Root's PostgreSQL runs under another account, which has to pass through.
    const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
    makeFolder(path);
    chmodSync(path, mode);
    makeFolder(join(path, 'logs'), 0o700);
    if (!existsSync(join(path, '.gitignore'))) writeFileSync(join(path, '.gitignore'), '*\n');
    result = await acquireProcessLock(join(path, 'lock'));
  } catch (cause) {
    throw unusable(path, cause);
  }
  if (result.lock !== undefined) return result.lock;
  throw new RefusedError(
    'DATA_DIR_IN_USE',
    `Process ${result.holder.pid} runs on this data folder already.`,
    {
      field: '--data-dir',
      value: path,
      hint: `Use what it started, stop it ("kill ${result.holder.pid}"), or name another folder with --data-dir.`,
    },
  );
}

/** @throws InputError DATA_DIR where a folder below the data folder cannot be made */
export function makeDataFolder(dataDir: string, name: string): string {
  const path = join(dataDir, name);
  try {
    makeFolder(path, 0o700);
  } catch (cause) {
    throw unusable(dataDir, cause);
  }
  return path;
}

function unusable(path: string, cause: unknown): InputError {
  return new InputError('DATA_DIR', `The data folder cannot be used: ${(cause as Error).message}`, {
    field: '--data-dir',
    value: path,
    hint: "Name a folder that you may write to; one that isn't there yet is made.",
    cause,
  });
}

/**
 * The keys of this installation: from the environment where one of them is set there, else those kept in the folder,
 * generated the first time. They are kept apart from `env`, for tracking links in mail that was sent need them.
 * @throws InputError where they are wrong.
 */
export function keysOf(dir: DataDir, env: Environment): Record<string, string> {
  const names = [...Object.values(keyVariables), earlierKeysVariable];
  const given = Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  if (Object.keys(given).length > 0) {
    readKeys(given);
    return given;
  }
  const path = dir.file('keys');
  if (!existsSync(path)) {
    const generated = generateKeys();
    writePrivateFile(path, formatEnvironment(generated));
    return generated;
  }
  const kept = parseEnv(readFileSync(path, 'utf8'));
  try {
    readKeys(kept);
  } catch (cause) {
    throw new InputError('KEYS_FILE', `The keys in ${path} are not usable: ${(cause as Error).message}`, {
      field: path,
      hint: 'Restore the file. Without it (removed), new keys are generated and links in mail sent so far stop working.',
      cause,
    });
  }
  return Object.fromEntries(names.flatMap((name) => (kept[name] ? [[name, kept[name]]] : [])));
}

/**
 * The queue prefix of this installation: from the environment, else the one kept in the folder, made the first time. It
 * is of its own, so that a worker of another installation that finds this one's Temporal at its address takes no work.
 */
export function queuePrefixOf(dir: DataDir, env: Environment): string {
  const given = env['EXM_QUEUE_PREFIX'];
  if (given) return given;
  const path = dir.file('queue-prefix');
  if (!existsSync(path)) writePrivateFile(path, `${defaultQueuePrefix}-${randomBytes(3).toString('hex')}\n`);
  return readFileSync(path, 'utf8').trim();
}
