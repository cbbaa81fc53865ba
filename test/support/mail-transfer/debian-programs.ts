import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where a program's files are, or why there are none. */
export type Programs =
  | { readonly root: string; readonly missing?: undefined }
  | { readonly root?: undefined; readonly missing: string };

/** What `program` (a path from the root) takes to run, as Debian packs it. */
export interface Wanted {
  readonly program: string;
  readonly packages: readonly string[];
}

/**
 * The installed program; else its packages, unpacked below `folder` and not installed, for mail servers exclude each other. Only
 * root can run them, in a system of their own (private-system.ts).
 */
export function debianPrograms({ program, packages }: Wanted, folder: string): Programs {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return { missing: 'it takes root on Linux' };
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0)
    return { missing: 'unshare --mount is not allowed here' };
  if (existsSync(join('/', program))) return { root: '/' };
  const root = join(folder, 'root');
  mkdirSync(root);
  // A program leaves root, and then runs others.
  chmodSync(folder, 0o755);
  const downloaded = spawnSync('apt-get', ['download', ...packages], { cwd: folder, encoding: 'utf8' });
  if (downloaded.status !== 0) {
    return {
      missing: `${program} is not installed, and apt-get cannot get it: ${downloaded.stderr ?? downloaded.error}`,
    };
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    const unpacked = spawnSync('dpkg', ['-x', join(folder, file), root]);
    if (unpacked.status !== 0) return { missing: `${file} cannot be unpacked` };
  }
  return existsSync(join(root, program))
    ? { root }
    : { missing: `${program} is in none of ${packages.join(', ')}` };
}
