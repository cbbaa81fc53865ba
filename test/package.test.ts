import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../src/package-path.ts';

interface Manifest {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as Manifest;
const text = (path: string) => readFileSync(packagePath(path), 'utf8');

/** All files below a path, or the path itself where it is a file. */
function filesOf(path: string): string[] {
  if (!statSync(packagePath(path)).isDirectory()) return [path];
  return readdirSync(packagePath(path), { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => statSync(packagePath(name)).isFile());
}

/** What a module imports, statically or when it is needed. */
function importsOf(path: string): string[] {
  return [...text(path).matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(['"])([^'"\s]+)\1/g)].map(
    (match) => match[2] ?? '',
  );
}

/** A module of this package that another one names, as the file that is there: declarations name their sources. */
function resolved(from: string, specifier: string): string {
  const path = posix.join(posix.dirname(from), specifier);
  return from.endsWith('.d.ts') ? path.replace(/(?:\.d)?\.[jt]s$/, '.d.ts') : path;
}

/** All modules of this package that these lead to, and the packages that they need. */
function reachable(entries: readonly string[]): { modules: string[]; packages: string[] } {
  const modules = new Set(entries);
  const packages = new Set<string>();
  for (const module of modules) {
    if (!existsSync(packagePath(module))) continue;
    for (const specifier of importsOf(module)) {
      if (/^\..*\.[jt]s$/.test(specifier)) modules.add(resolved(module, specifier));
      else if (
        !specifier.startsWith('.') &&
        !specifier.startsWith('node:') &&
        !builtinModules.includes(specifier)
      )
        packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    }
  }
  return { modules: [...modules], packages: [...packages] };
}

describe('the package that npm pack makes', () => {
  let packed: string[] = [];
  beforeAll(async () => {
    // Without the scripts: the build was made before the tests.
    const command = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await promisify(execFile)('npm', command, {
      cwd: packagePath('.'),
      maxBuffer: 64 * 1024 * 1024,
    });
    const [made] = JSON.parse(stdout) as { files: { path: string }[] }[];
    packed = made?.files.map(({ path }) => path) ?? [];
  });

  it('has every file that the program reads from its package', () => {
    const sources = ['src', 'workers', 'activities'].flatMap(filesOf).filter((name) => name.endsWith('.ts'));
    const read = sources.flatMap((source) =>
      [...text(source).matchAll(/packagePath\('([^']+)'\)/g)].map((match) => match[1] ?? ''),
    );
    expect(read).toEqual(expect.arrayContaining(['src/db/migrations', 'demo/contacts.csv', 'bin/exm.js']));
    // The campaign file names templates beside it.
    expect(packed).toEqual(expect.arrayContaining([...read, 'demo'].flatMap(filesOf)));
  });

  it('has every module that its commands and its exports lead to, with their types', () => {
    const entries = Object.values(manifest.exports).flatMap((conditions) => Object.values(conditions));
    const { modules } = reachable(
      [...entries, ...Object.values(manifest.bin)].map((path) => posix.join(path)),
    );
    for (const sample of ['dist/src/cli/demo.js', 'dist/workers/primary.js', 'dist/src/client/client.d.ts'])
      expect(modules).toContain(sample);
    expect(packed).toEqual(expect.arrayContaining(modules));
  });

  it('needs no package that is installed only for development', () => {
    const { packages } = reachable(Object.values(manifest.bin).map((path) => posix.join(path)));
    expect(packages).toContain('commander');
    // exm.config.ts imports the package by its own name.
    const known = [manifest.name, ...Object.keys(manifest.dependencies)];
    expect(packages.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('has the files to which its README links', () => {
    const links = [...text('README.md').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)];
    expect(links.length).toBeGreaterThan(3);
    expect(packed).toEqual(expect.arrayContaining(links.map((match) => match[1])));
  });

  it('has no tests, no sources but the migrations, and nothing of a checkout', () => {
    const foreign = packed.filter(
      (path) => !/^(?:bin|demo|dist|docs|src\/db\/migrations)\/|^[A-Z]+(?:\.md)?$|^package\.json$/.test(path),
    );
    expect(foreign).toEqual([]);
    expect(packed.filter((path) => /\.map$|tsbuildinfo|\.test\.|(?:^|\/)\.(?!\/)/.test(path))).toEqual([]);
  });
});
