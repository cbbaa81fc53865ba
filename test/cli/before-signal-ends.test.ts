import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { packagePath } from '../../src/package-path.ts';
import { waitFor } from '../support/wait-for.ts';

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

/** A process that tidies up twice before a signal ends it, and does `more` besides. */
function start(more = '') {
  const module = JSON.stringify(packagePath('dist/src/cli/before-signal-ends.js'));
  const program = `
    const { beforeSignalEnds } = await import(${module});
    beforeSignalEnds(() => console.log('one'));
    beforeSignalEnds(() => console.log('two'));
    beforeSignalEnds(() => console.log('withdrawn'))();
    ${more}
    setInterval(() => {}, 1000);
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  return { child, said: () => said.trim().split('\n') };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'what is to be tidied up is, and %s ends',
  async (signal) => {
    const { child, said } = start();
    await waitFor(() => said().includes('ready'));
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([null, signal]);
    expect(said().sort()).toEqual(['one', 'ready', 'two']);
  },
);

test('a signal that somebody else listens for reaches them once', async () => {
  const { child, said } = start("process.on('SIGINT', () => console.log('heard'));");
  await waitFor(() => said().includes('ready'));
  child.kill('SIGINT');
  await waitFor(() => said().includes('heard'));
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
  expect(said().sort()).toEqual(['heard', 'one', 'ready', 'two']);
});
