import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Environment } from '../config/environment.ts';

/** Folder for what is installed once per user and machine: EXM_CACHE_DIR, else the system's place for caches. */
export function userCacheDir(env: Environment): string {
  if (env['EXM_CACHE_DIR']) return resolve(env['EXM_CACHE_DIR']);
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'exm-dispatch');
}
