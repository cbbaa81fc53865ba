import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder, and those above it, where they are not there yet. Node.js's own `recursive` never comes back where
 * a file system such as /proc says "no such folder" instead of "not here".
 *
 * @throws the file system's error
 */
export function makeFolder(path: string, mode?: number): void {
  const wanted = resolve(path);
  const missing: string[] = [];
  for (let folder = wanted; !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) makeOne(folder, folder === wanted ? mode : undefined);
  if (!statSync(wanted).isDirectory()) throw new Error(`${wanted} is no folder`);
}

function makeOne(folder: string, mode: number | undefined): void {
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process, which starts at the same time, made it.
    if (code === 'EEXIST') return;
    if (code === 'ENOENT') throw new Error(`no folder can be made in ${dirname(folder)}`, { cause: error });
    throw error;
  }
}
