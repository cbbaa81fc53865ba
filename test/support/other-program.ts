import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packagePath } from '../../src/package-path.ts';

/** Packages of which such a program loads a copy of its own: Temporal's client, and what it keeps registers in. */
const copied = ['@temporalio', '@grpc', 'protobufjs'];
/** Nothing that a client needs, and large. */
const leftOut = new Set(['core-bridge', 'worker', 'testing']);

export interface OtherProgram {
  /** Runs an ES module in the program's folder. Returns what it printed, as JSON. @throws Error with its stderr */
  run(source: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<unknown>;
  remove(): void;
}

/** A program in a folder of its own that installed `exm-dispatch` beside its own copy of Temporal's client. */
export function createOtherProgram(): OtherProgram {
  const dir = mkdtempSync(join(tmpdir(), 'exm-program-'));
  const modules = join(dir, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(packagePath('node_modules'))) {
    const source = packagePath(`node_modules/${name}`);
    if (!copied.includes(name)) symlinkSync(source, join(modules, name));
    else
      cpSync(source, join(modules, name), { recursive: true, filter: (path) => !leftOut.has(lastOf(path)) });
  }
  symlinkSync(packagePath('.'), join(modules, 'exm-dispatch'));
  return {
    async run(source, args, env) {
      writeFileSync(join(dir, 'program.mjs'), source);
      const { PATH, HOME } = process.env;
      const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs', ...args], {
        cwd: dir,
        env: { PATH, HOME, ...env },
      });
      return JSON.parse(stdout);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
