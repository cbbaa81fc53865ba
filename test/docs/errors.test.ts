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

interface Found {
  readonly place: string;
  readonly code: string;
}

/** What a pattern's first group finds in the sources, with file and line. */
function find(pattern: RegExp): Found[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => ({
      place: `${path}:${text.slice(0, match.index).split('\n').length}`,
      code: match[1] ?? '',
    })),
  );
}

/** Where an error is made: by a class of errors, by a helper that makes one, or with its code under that name. */
const raised = [
  ...find(/new (?:\w+\.)?\w*(?:Input|Refused|Unavailable|Failed)Error\(\s*'(\w+)'/g),
  ...find(/\bproblem\(\s*'(\w+)'/g),
  ...find(/\bcode: '(\w+)'/g),
];

/** Whatever looks like a code but for what is known to be something else: variables, files and codes of the system. */
const lookingLikeCodes = find(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g).filter(
  ({ code }) =>
    !/^(?:EXM|XDG)_/.test(code) &&
    ![
      'DATABASE_URL',
      'TEMPORAL_ADDRESS',
      'TEMPORAL_PROFILE',
      'TEMPORAL_CONFIG_FILE',
      'PG_VERSION',
      'EAI_AGAIN',
      'WAYLAND_DISPLAY',
      'NO_COLOR',
    ].includes(code),
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
    expect(raised.length).toBeGreaterThan(100);
    const missing = [...raised, ...lookingLikeCodes].filter(({ code }) => !documented.includes(code));
    expect(missing).toEqual([]);
  });

  it('has no code that the program does not give', () => {
    expect(documented.length).toBeGreaterThan(80);
    const given = new Set(raised.map(({ code }) => code));
    expect(documented.filter((code) => !given.has(code))).toEqual([]);
  });

  it('says for each code what happened, what was kept and what to do', () => {
    for (const row of rows) {
      expect(row, row[0]).toHaveLength(4);
      for (const cell of row) expect(cell, row[0]).not.toBe('');
    }
  });

  it('names each code once, in alphabetical order', () => {
    const cells = rows.map(([code]) => code);
    expect(cells).toEqual([...new Set(cells)].sort());
  });
});
