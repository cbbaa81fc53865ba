import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../../src/package-path.ts';

interface Source {
  readonly path: string;
  readonly text: string;
}

const sources: Source[] = ['src', 'workers', 'activities', 'workflows'].flatMap((folder) =>
  readdirSync(packagePath(folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .map((path) => ({ path, text: readFileSync(packagePath(path), 'utf8') })),
);

const codesIn = (text: string) => [...text.matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map((match) => match[1] ?? '');

/** The codes given to the error classes' constructors; where one is given a variable, those that the file names. */
const constructed = sources.flatMap(({ path, text }) =>
  [...text.matchAll(/new (?:\w+\.)?(?:Input|Refused|Unavailable|Failed)Error\(([^,)]*)/g)].map((match) => {
    const codes = codesIn(match[1] ?? '');
    return {
      place: `${path}:${text.slice(0, match.index).split('\n').length}`,
      codes: codes.length > 0 ? codes : codesIn(text).filter((code) => code.includes('_')),
    };
  }),
);

const page = readFileSync(packagePath('docs/errors.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
const documented = rows.map(([code = '']) => code.replaceAll('`', ''));

describe('docs/errors.md', () => {
  it('has every code that the program can give', () => {
    expect(constructed.length).toBeGreaterThan(20);
    const missing = constructed
      .flatMap(({ place, codes }) => codes.map((code) => ({ place, code })))
      .filter(({ code }) => !documented.includes(code));
    expect(missing).toEqual([]);
  });

  it('has no code that the program does not give', () => {
    const given = new Set(sources.flatMap(({ text }) => codesIn(text)));
    expect(documented.filter((code) => !given.has(code))).toEqual([]);
  });

  it('says for each code what it means and what to do', () => {
    for (const row of rows) {
      expect(row, row[0]).toHaveLength(3);
      for (const cell of row) expect(cell, row[0]).not.toBe('');
    }
  });

  it('names each code once, in alphabetical order', () => {
    const cells = rows.map(([code]) => code);
    expect(cells).toEqual([...new Set(cells)].sort());
  });
});
