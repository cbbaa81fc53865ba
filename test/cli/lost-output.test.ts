import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { packagePath } from '../../src/package-path.ts';

/** Every write to it fails for want of room. Linux has it. */
const fullDevice = '/dev/full';

describe.skipIf(!existsSync(fullDevice))('output that cannot be written, for want of room', () => {
  const shell = (script: string, ...args: string[]) =>
    spawnSync('sh', ['-c', script, 'sh', process.execPath, ...args], { encoding: 'utf8' });

  test('makes a command fail whose result it is', () => {
    expect(shell(`"$@" >${fullDevice}`, packagePath('bin/exm.js'), 'keys', 'generate').status).toBe(1);
  });

  test('ends no command whose result can be told', () => {
    const { status, stdout } = shell(
      `"$@" 2>${fullDevice}`,
      packagePath('bin/exm.js'),
      'campaign',
      'create',
      '--json',
      '/nowhere.yaml',
    );
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CAMPAIGN_FILE' } });
  });

  test('ends no worker whose log it is', () => {
    const program = `
      const { createLogger } = await import(process.argv[1]);
      const log = createLogger('test');
      for (let line = 0; line < 3; line++) log.info('lost');
      setTimeout(() => console.log('goes on'), 100);`;
    const { status, stdout } = shell(
      `"$@" 2>${fullDevice}`,
      '--input-type=module',
      '--eval',
      program,
      packagePath('dist/src/logging.js'),
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'goes on\n' });
  });
});
