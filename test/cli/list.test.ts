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
    expect((await exm('title', 'customers', ' For customers ')).stdout).toContain('as "For customers"');
    expect((await exm('title', 'customers', '--none', '--json')).json()).toEqual({
      name: 'customers',
      title: null,
    });
    expect((await exm('title', 'customers', '--json')).json().error).toMatchObject({ code: 'LIST_TITLE' });
    expect((await exm('title', 'customers', 'News \u202e swen', '--json')).json().error).toMatchObject({
      code: 'LIST_TITLE',
    });
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

  it('makes segments that stand among the lists, and changes and removes both', async () => {
    const segment = (...args: string[]) => installation.exm(['segment', ...args]);
    expect(
      (await segment('create', 'germans', '--where', 'contact.language == "de"', '--json')).json(),
    ).toMatchObject({
      name: 'germans',
      warnings: [],
    });
    expect((await segment('count', 'germans', '--json')).json()).toEqual({ members: 1, warnings: [] });
    expect((await segment('sample', '--where', 'contact.language == "en"')).stdout).toContain(
      'bob@example.com',
    );
    expect((await segment('ls')).stdout).toMatch(/^germans +contact\.language == "de"$/m);
    expect((await exm('ls')).stdout).toMatch(/^germans +segment /m);
    expect((await exm('show', 'germans')).stdout).toContain('Segment: where contact.language == "de"');

    const wrong = await segment('set', 'germans', '--where', 'contact.langauge == "de"', '--json');
    expect(wrong.code).toBe(2);
    expect(wrong.json().error).toMatchObject({
      code: 'SEGMENT_WRONG',
      field: expect.stringMatching(/^--where, character \d+$/),
      message: expect.stringContaining('Did you mean "contact.language"?'),
    });
    expect((await segment('create', 'both', '--json')).json().error).toMatchObject({
      code: 'SEGMENT_CONDITION',
    });

    await exm('title', 'germans', 'News in German');
    expect((await segment('show', 'germans')).stdout).toContain('germans (News in German): segment');
    expect((await exm('remove', 'customers', 'bob@example.com', '--json')).json()).toMatchObject({
      changed: true,
    });
    expect((await exm('add', 'customers', 'bob@example.com')).stdout).toContain('is on "customers" now');
    expect((await segment('rm', 'customers')).stderr).toContain('LIST_STATIC');
    expect((await segment('rm', 'germans')).code).toBe(0);
    expect((await exm('rm', 'twice')).code).toBe(0);
    expect((await exm('ls')).stdout).not.toMatch(/germans|twice/);
  });
});
