import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInstallation, type Installation } from '../support/installation.ts';

let installation: Installation;
beforeAll(async () => {
  installation = await createInstallation();
});
afterAll(async () => {
  await installation.dispose();
});

const exm = (...args: string[]) => installation.exm(['list', ...args]);

describe('exm list', () => {
  it('says what to do where there is none', async () => {
    expect(await exm('ls')).toMatchObject({
      code: 0,
      stdout: 'There are no lists yet: exm contact import FILE --list NAME\n',
    });
    const { code, json } = await exm('show', 'customers', '--json');
    expect(code).toBe(2);
    expect(json().error).toMatchObject({
      code: 'LIST_UNKNOWN',
      hint: expect.stringContaining('There are no lists yet'),
    });
  });

  it('makes, lists and shows a list', async () => {
    expect((await exm('create', 'customers', '--json')).json()).toMatchObject({ name: 'customers' });
    await installation.exm(['contact', 'import', '-', '--list', 'customers'], {
      input: 'email,firstName,language,doNotMarket\nann@example.com,Ann,de,\nbob@example.com,Bob,en,yes\n',
    });
    expect((await exm('ls', '--json')).json()).toMatchObject({ lists: [{ name: 'customers', members: 2 }] });
    expect((await exm('ls')).stdout).toMatch(/^customers +2 /m);
    const { stdout } = await exm('show', 'customers', '--limit', '1');
    expect(stdout).toContain('customers: 2 members, 1 of them could get mail');
    expect(stdout).toContain('ann@example.com');
    expect(stdout).not.toContain('bob@example.com');
    expect((await exm('show', 'customers', '--json')).json()).toMatchObject({
      members: 2,
      reachable: 1,
      excluded: { 'do-not-market': 1 },
      languages: [
        { language: 'de', members: 1 },
        { language: 'en', members: 1 },
      ],
    });
  });

  it('refuses a name that is taken with 3, and a wrong one with 2', async () => {
    await exm('create', 'twice');
    const taken = await exm('create', 'twice', '--json');
    expect({ exit: taken.code, code: taken.json().error.code }).toEqual({ exit: 3, code: 'LIST_EXISTS' });
    const wrong = await exm('create', 'a\nb', '--json');
    expect({ exit: wrong.code, code: wrong.json().error.code }).toEqual({ exit: 2, code: 'LIST_NAME' });
    expect((await exm('show', 'twise')).stderr).toContain('Did you mean "twice"?');
    expect((await exm('show', 'twice', '--limit', 'many')).code).toBe(2);
  });

  it('ends although exm.config.ts keeps a timer', async () => {
    await exm('create', 'timed');
    const config = join(installation.dir, 'exm.config.ts');
    writeFileSync(config, 'setInterval(() => {}, 1000); export default {};');
    expect(await exm('show', 'timed')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('timed: 0'),
    });
    rmSync(config);
  });
});
