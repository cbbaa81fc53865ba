import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { packagePath } from '../../src/package-path.ts';

interface Shown {
  readonly place: string;
  readonly line: string;
}

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].filter((name) => existsSync(packagePath(name))),
  ...readdirSync(packagePath('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Lines of shell blocks, and code within sentences. */
const shown = pages.flatMap((page): Shown[] => {
  const text = readFileSync(packagePath(page), 'utf8');
  const blocks = [...text.matchAll(/^```(?:sh|bash|console|shell)\n(.*?)^```/gms)].flatMap((match) =>
    (match[1] ?? '').split('\n'),
  );
  const prose = text.replace(/^```.*?^```/gms, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return [...blocks, ...spans].map((line) => ({ place: page, line: line.trim().replace(/^\$ /, '') }));
});

/** The words of a command line up to a pipe, a redirection or a comment. */
function words(line: string): string[] {
  const all = [...line.matchAll(/"[^"]*"|'[^']*'|\S+/g)].map((match) =>
    match[0].replace(/^(["'])(.*)\1$/s, '$2'),
  );
  const end = all.findIndex((word) => /^(?:[|>&;#·…]|\d?>)/.test(word) || word === '\\');
  return end === -1 ? all : all.slice(0, end);
}

const shownCommands = shown.flatMap(({ place, line }) => {
  const match = /^(?:[A-Z_]+=\S* )*(?:npx )?exm (.+)$/.exec(line);
  return match?.[1] === undefined ? [] : [{ place, line, words: words(match[1]) }];
});

/** The command of a path, and nothing for the program itself or where there is none. */
async function commandAt([first, ...rest]: readonly string[]): Promise<Command | undefined> {
  let command = first === undefined ? undefined : await commands[first]?.load();
  for (const name of rest)
    command = command?.commands.find((one) => one.name() === name || one.alias() === name);
  return command;
}

/** What may follow a path. */
function subcommands(path: readonly string[], command: Command | undefined): string[] {
  if (path.length === 0) return [...Object.keys(commands), 'help'];
  return (command?.commands ?? []).flatMap((one) => [one.name(), ...one.aliases(), 'help']);
}

async function problemsOf(line: readonly string[]): Promise<string[]> {
  const path: string[] = [];
  let command: Command | undefined;
  for (const word of line) {
    const names = subcommands(path, command);
    if (names.length === 0 || word.startsWith('-')) break;
    // A placeholder for one of several: `exm campaign pause/resume`, `exm list <command>`.
    const alternatives = word.split('/');
    if (/^[<A-Z[]/.test(word)) return [];
    const unknown = alternatives.filter((name) => !names.includes(name));
    if (unknown.length > 0) return [`there is no command ${[...path, unknown[0]].join(' ')}`];
    path.push(alternatives[0] ?? '');
    command = await commandAt(path);
  }
  const flags = line
    .map((word) => word.replace(/=.*$/, '').replace(/[\]).,]+$/, ''))
    .filter((word) => word.startsWith('--'));
  return flags
    .filter((flag) => flag !== '--help' && flag !== '--version')
    .filter((flag) => command?.options.every(({ long }) => long !== flag) !== false)
    .map((flag) => `${path.join(' ')} has no ${flag}`);
}

interface Link {
  readonly page: string;
  readonly target: string;
}

/** Links within the documentation. */
function linksOf(page: string): Link[] {
  const links = readFileSync(packagePath(page), 'utf8').matchAll(/\]\((?!https?:|mailto:)([^)\s]+)[^)]*\)/g);
  return [...links].map((match) => ({ page, target: match[1] ?? '' }));
}

function leadsNowhere({ page, target }: Link): boolean {
  const { pathname, hash } = new URL(target, `file://${packagePath(page)}`);
  return (
    !existsSync(pathname) || (hash !== '' && !anchorsOf(pathname).has(decodeURIComponent(hash.slice(1))))
  );
}

/** By which a page's headings are linked to, as GitHub and npm make them of their words. */
function anchorsOf(file: string): Set<string> {
  const text = readFileSync(file, 'utf8').replace(/^```.*?^```/gms, '');
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

describe('the documentation', () => {
  it('shows only commands and flags that exist', async () => {
    const problems: string[] = [];
    for (const { place, line, words: line_ } of shownCommands) {
      for (const problem of await problemsOf(line_)) problems.push(`${place}: "${line}": ${problem}`);
    }
    expect(problems).toEqual([]);
  });

  it('would notice one that does not', async () => {
    expect(await problemsOf(['campain', 'ls'])).not.toEqual([]);
    expect(await problemsOf(['worker', 'primary', '--no-dispach'])).not.toEqual([]);
    expect(await problemsOf(['keys', 'generate', '--json'])).toEqual([]);
  });

  it('shows only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const used = shown.flatMap(({ place, line }) =>
      [...line.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start))\b/g)].map((match) => ({
        place,
        script: match[1] ?? match[2] ?? '',
      })),
    );
    expect(used.filter(({ script }) => !(script in scripts))).toEqual([]);
  });

  it('links only to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      linksOf(page)
        .filter(leadsNowhere)
        .map(({ target }) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('would notice a link that leads nowhere', () => {
    const from = (target: string) => ({ page: 'docs/errors.md', target });
    expect(['nowhere.md', 'operations.md#nowhere', '#nowhere'].map(from).every(leadsNowhere)).toBe(true);
    expect(
      ['operations.md', 'operations.md#running-an-ab-test', '../README.md#more'].map(from).some(leadsNowhere),
    ).toBe(false);
  });
});
