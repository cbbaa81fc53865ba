import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../../src/package-path.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { waitFor } from '../support/wait-for.ts';

let installation: Installation;
beforeAll(async () => {
  installation = await createInstallation();
});
afterAll(async () => {
  await installation.dispose();
});

const file = (name: string, content: string) => {
  writeFileSync(join(installation.dir, name), content);
  return name;
};

describe('exm contact import', () => {
  it('reports what it imported, and each refused row by line with the reason', async () => {
    const csv = file(
      'customers.csv',
      'email;firstName;city\nann@example.com;Ann;Köln\nANN@example.com;Ann;Bonn\nnobody;X;Y\nbob@example.com;Bob\n\u001b[2J@x;A;B\n',
    );
    const shown = await installation.exm(['contact', 'import', csv, '--list', 'shown']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('Imported 1 contact into the new list "shown": 1 created, 0 updated.');
    expect(shown.stdout).toContain(
      '5 rows read, 1 of them with an address that comes again later, 3 refused.',
    );
    expect(shown.stdout).toMatch(/^\s*4 {2}bad-address {2,}email {2,}no-at-sign {2,}nobody$/m);
    expect(shown.stdout).toMatch(
      /^\s*5 {2}wrong-number-of-columns .*3 columns are expected {2,}bob@example.com;Bob$/m,
    );
    expect(shown.stdout).not.toContain('\u001b');

    const { code, json } = await installation.exm(['contact', 'import', csv, '--list', 'shown', '--json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      read: 5,
      imported: 1,
      created: 0,
      updated: 1,
      duplicates: 1,
      refused: {
        total: 3,
        byReason: { 'bad-address': 2, 'wrong-number-of-columns': 1 },
        first: [{ line: 4, reason: 'bad-address', value: 'nobody' }, { line: 5 }, { line: 6 }],
      },
    });
  });

  it('writes all refused rows to the file of --rejects', async () => {
    const csv = file('many.csv', `email,note\n${'"a ""b"" c",\n'.repeat(30)}good@example.com,\n`);
    const { json } = await installation.exm([
      'contact',
      'import',
      csv,
      '--list',
      'many',
      '--rejects',
      'refused.csv',
      '--json',
    ]);
    expect(json().refused).toMatchObject({ total: 30 });
    const rows: Record<string, string>[] = parse(readFileSync(join(installation.dir, 'refused.csv')), {
      columns: true,
    });
    expect(rows).toHaveLength(30);
    expect(rows[29]).toEqual({
      line: '31',
      reason: 'bad-address',
      column: 'email',
      value: 'a "b" c',
      detail: 'forbidden-character',
    });
  });

  it('reads from stdin', async () => {
    const { code, json } = await installation.exm(['contact', 'import', '-', '--list', 'piped', '--json'], {
      input: 'email\npiped@example.com\n',
    });
    expect({ code, report: json() }).toMatchObject({ code: 0, report: { created: 1, listCreated: true } });
  });

  it('refuses bad input with one message and exit code 2, and writes nothing', async () => {
    mkdirSync(join(installation.dir, 'folder'));
    const good = file('good.csv', 'email\nnever@example.com\n');
    const cases: [string[], string][] = [
      [['missing.csv', '--list', 'x'], 'FILE_MISSING'],
      [['folder', '--list', 'x'], 'FILE_UNREADABLE'],
      [[file('empty.csv', ''), '--list', 'x'], 'CSV_EMPTY'],
      [[file('headless.csv', 'name\nAnn\n'), '--list', 'x'], 'CSV_NO_EMAIL_COLUMN'],
      [[good, '--list', ''], 'LIST_NAME'],
      [[good, '--list', 'x', '--rejects', 'no/such/folder.csv'], 'REJECTS_FILE'],
      [[good, '--list', 'x', '--rejects', good], 'REJECTS_FILE'],
    ];
    for (const [args, code] of cases) {
      const result = await installation.exm(['contact', 'import', ...args, '--json']);
      expect({ exit: result.code, code: result.json().error.code }).toEqual({ exit: 2, code });
      expect(result.stderr).toContain(code);
    }
    const listless = await installation.exm(['contact', 'import', good]);
    expect(listless.code).toBe(2);
    expect(listless.stderr).toContain('--list');
    expect(listless.stderr).toContain('--help');
    expect(
      (await installation.exm(['contact', 'import', good, '--list', 'x', '--delimiter', 'x'])).code,
    ).toBe(2);
    expect(readFileSync(join(installation.dir, good), 'utf8')).toBe('email\nnever@example.com\n');
    expect((await installation.exm(['contact', 'show', 'never@example.com'])).code).toBe(1);
    expect((await installation.exm(['list', 'show', 'x'])).code).toBe(2);
  });

  it.each(['SIGKILL', 'SIGINT'] as const)('that is ended by %s leaves nothing', async (signal) => {
    const { db } = installation.database;
    const sessions = async (query: string) => {
      const { rows } = await db.execute(sql`
        select from pg_stat_activity where datname = current_database()
          and application_name = 'exm contact import' and query like ${query}`);
      return rows.length;
    };
    const child = startImport(['-', '--list', `ended by ${signal}`, '--rejects', 'ended.csv']);
    const ended = new Promise((resolve) => child.once('close', (_, by) => resolve(by)));
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(
      `email\nwrong\n${Array.from({ length: 20_000 }, (_, i) => `e${i}@ended.example\n`).join('')}`,
    );
    await waitFor(async () => (await sessions('copy import_row%')) > 0, {
      describe: 'rows to be on their way to the database',
    });
    child.kill(signal);
    expect(await ended).toBe(signal);
    await waitFor(async () => (await sessions('%')) === 0, { describe: 'the session to be gone' });
    const { rows } = await db.execute(sql`
      select (select count(*)::int from contact where email like '%@ended.example') as contacts,
        (select count(*)::int from contact_list where name like 'ended by%') as lists`);
    expect(rows).toEqual([{ contacts: 0, lists: 0 }]);
    expect(existsSync(join(installation.dir, 'ended.csv'))).toBe(false);
    if (signal === 'SIGINT')
      expect(existsSync(join(installation.dir, `ended.csv.${child.pid}.part`))).toBe(false);
  });

  function startImport(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [packagePath('bin/exm.js'), 'contact', 'import', ...args], {
      env: { ...process.env, ...installation.env },
      cwd: installation.dir,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }
});

describe('exm contact show', () => {
  it('shows a person, and the same as one JSON object', async () => {
    const csv = file(
      'show.csv',
      'email,firstName,lastName,language,doNotMarket,city\nshow@example.com,Ann,Smith,de,yes,Köln\n',
    );
    await installation.exm(['contact', 'import', csv, '--list', 'show']);
    const { code, stdout } = await installation.exm(['contact', 'show', 'SHOW@example.com']);
    expect(code).toBe(0);
    for (const line of [
      /^name +Ann Smith$/m,
      /^city +Köln$/m,
      /^lists +show$/m,
      /^gets mail +no: do-not-market$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    const { json } = await installation.exm(['contact', 'show', 'show@example.com', '--json']);
    expect(json()).toMatchObject({
      email: 'show@example.com',
      consent: { doNotMarket: true, consentRevoked: false },
      facets: { city: 'Köln' },
      lists: ['show'],
      campaigns: [],
    });
  });

  it('ends with 1 for an unknown person, and with 2 for what is no address', async () => {
    const unknown = await installation.exm(['contact', 'show', 'who@example.com', '--json']);
    expect({ exit: unknown.code, code: unknown.json().error.code }).toEqual({
      exit: 1,
      code: 'CONTACT_UNKNOWN',
    });
    const wrong = await installation.exm(['contact', 'show', 'who', '--json']);
    expect({ exit: wrong.code, code: wrong.json().error.code }).toEqual({ exit: 2, code: 'ADDRESS_WRONG' });
  });
});

describe('exm contact opt-out and opt-in', () => {
  it('change the global opt-out list, once each', async () => {
    const run = async (...args: string[]) => (await installation.exm(['contact', ...args, '--json'])).json();
    expect(await run('opt-out', 'opt@example.com', '--reason', 'by phone')).toMatchObject({
      optedOut: true,
      changed: true,
    });
    expect(await run('opt-out', 'OPT@example.com')).toMatchObject({
      optedOut: true,
      changed: false,
      reason: 'by phone',
    });
    expect(await run('opt-in', 'opt@example.com')).toMatchObject({ optedOut: false, changed: true });
    expect(await run('opt-in', 'opt@example.com')).toMatchObject({ optedOut: false, changed: false });
    const { stdout } = await installation.exm(['contact', 'opt-in', 'opt@example.com']);
    expect(stdout).toBe('opt@example.com is not on the global opt-out list.\n');
  });

  it('change the opt-out of a list with --list, which no import takes back', async () => {
    const run = async (...args: string[]) => (await installation.exm(['contact', ...args, '--json'])).json();
    const csv = file('one.csv', 'email,doNotMarket\none@example.com,no\n');
    await run('import', csv, '--list', 'one');
    expect(await run('opt-out', 'one@example.com', '--list', 'one')).toMatchObject({
      list: 'one',
      optedOut: true,
      changed: true,
      reason: 'by hand',
    });
    await run('import', csv, '--list', 'one', '--allow-consent-grant');
    const { stdout } = await installation.exm(['contact', 'show', 'one@example.com']);
    expect(stdout).toMatch(/^lists +one$/m);
    expect(stdout).toMatch(/^opted out of +one since \S+ \S+: by hand$/m);
    expect((await installation.exm(['list', 'show', 'one'])).stdout).toContain(
      '1 member, 0 of them could get mail',
    );
    expect((await installation.exm(['list', 'show', 'one'])).stdout).toContain(
      '1 address has opted out of this list.',
    );
    const again = await installation.exm(['contact', 'opt-out', 'one@example.com', '--list', 'one']);
    expect(again.stdout).toMatch(/^one@example\.com has opted out of "one" since .*: by hand$/m);
    expect(await run('opt-in', 'one@example.com', '--list', 'one')).toMatchObject({
      list: 'one',
      optedOut: false,
      changed: true,
    });
    const wrong = await installation.exm([
      'contact',
      'opt-out',
      'one@example.com',
      '--list',
      'own',
      '--json',
    ]);
    expect({ exit: wrong.code, error: wrong.json().error }).toMatchObject({
      exit: 2,
      error: { code: 'LIST_UNKNOWN', field: '--list' },
    });
  });
});

describe('exm contact set', () => {
  it('makes a contact, changes it and its address, and takes back no "no" that is not named', async () => {
    const set = async (...args: string[]) =>
      await installation.exm(['contact', 'set', 'eve@example.com', ...args]);
    expect((await set('--first-name', 'Eve', '--facet', 'city=Bonn', '--do-not-market')).stdout).toMatch(
      /^eve@example\.com is contact \d+ now\.\n$/,
    );
    const refused = await set('--no-do-not-market', '--last-name', 'X', '--json');
    expect({ code: refused.code, error: refused.json().error }).toMatchObject({
      code: 3,
      error: { code: 'CONSENT_STANDS' },
    });
    expect((await set('--facet', 'city')).code).toBe(2);
    const moved = await set(
      '--email',
      'eva@example.com',
      '--first-name',
      '',
      '--unset-facet',
      'city',
      '--json',
    );
    expect(moved.json()).toMatchObject({
      email: 'eva@example.com',
      created: false,
      changed: true,
      address: { from: 'eve@example.com', to: 'eva@example.com' },
    });
    const shown = await installation.exm(['contact', 'show', 'eva@example.com', '--json']);
    expect(shown.json()).toMatchObject({
      firstName: '',
      lastName: '',
      facets: {},
      consent: { doNotMarket: true },
      addresses: [{ email: 'eve@example.com' }],
    });
  });
});

describe('exm contact export', () => {
  it('writes a file that appears whole, or to a pipe that may be closed early', async () => {
    await installation.exm(['contact', 'set', 'first@export.example']);
    const done = await installation.exm(['contact', 'export', '--output', 'out.csv', '--json']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const text = readFileSync(join(installation.dir, 'out.csv'), 'utf8');
    expect(done.json()).toEqual({ exported: text.trim().split('\n').length - 1, file: 'out.csv' });
    expect(statSync(join(installation.dir, 'out.csv')).mode & 0o777).toBe(0o600);
    expect((await installation.exm(['contact', 'export'])).stdout).toBe(text);

    const refused = await installation.exm(['contact', 'export', '--output', 'no/such/out.csv', '--json']);
    expect({ code: refused.code, error: refused.json().error.code }).toEqual({
      code: 2,
      error: 'EXPORT_FILE',
    });
    expect(readdirSync(installation.dir).filter((name) => name.startsWith('out.csv'))).toEqual(['out.csv']);

    await installation.exm(['contact', 'import', '-', '--list', 'long'], {
      input: `email,note\n${Array.from({ length: 6_000 }, (_, index) => `e${index}@export.example,${'x'.repeat(100)}\n`).join('')}`,
    });
    const child = spawn(process.execPath, [packagePath('bin/exm.js'), 'contact', 'export'], {
      cwd: installation.dir,
      env: installation.env,
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('exm suppression', () => {
  it('keeps addresses from mail, one by one and by file, and says what else holds', async () => {
    const exm = async (...args: string[]) => await installation.exm(['suppression', ...args]);
    await installation.exm(['contact', 'set', 'sue@example.com', '--do-not-market']);
    expect((await exm('add', 'Sue@example.com', '--reason', 'spam trap')).stdout).toBe(
      'Sue@example.com is suppressed now.\n',
    );
    const csv = file('suppress.csv', 'email,reason\na@suppress.example,old\nsue@example.com,new\nnobody,x\n');
    const imported = await exm('import', csv, '--rejects', 'suppress-rejects.csv');
    expect(imported.stdout).toContain(
      '1 put on the suppression list, 1 there already, 1 refused (3 rows read).',
    );
    expect(readFileSync(join(installation.dir, 'suppress-rejects.csv'), 'utf8')).toContain(
      '4,bad-address,email,nobody',
    );
    expect((await exm('ls', '--limit', '1')).stdout).toContain(
      '2 in all; the next ones: exm suppression ls --after a@suppress.example',
    );
    expect((await exm('rm', 'sue@example.com')).stdout).toBe(
      'sue@example.com is off the suppression list. It still gets nothing: do-not-market.\n',
    );
    const opted = await installation.exm(['contact', 'opt-out', '--file', csv]);
    expect(opted.stdout).toContain('2 put on opt-out lists, 0 there already, 1 refused');
    expect((await installation.exm(['contact', 'opt-outs'])).stdout).toContain(
      '\na@suppress.example,,old,20',
    );
  });
});

describe('exm contact forget', () => {
  it('erases a person only where that is confirmed, and says what', async () => {
    await installation.exm(['contact', 'set', 'ida@example.com', '--facet', 'city=Bonn']);
    const asked = await installation.exm(['contact', 'forget', 'ida@example.com', '--json']);
    expect({ code: asked.code, error: asked.json().error.code }).toEqual({
      code: 2,
      error: 'CONFIRMATION_MISSING',
    });
    const done = await installation.exm([
      'contact',
      'forget',
      'ida@example.com',
      '--yes',
      '--reason',
      'asked',
    ]);
    expect(done.stdout).toMatch(
      /^ida@example\.com was erased\. The ledger goes on counting it as contact \d+\.\n\nrows\s*\n\s+1 {2}contact\n$/,
    );
    await installation.exm(['contact', 'set', 'jo@was.example', '--facet', 'city=Bonn']);
    await installation.exm(['contact', 'set', 'jo@was.example', '--email', 'jo@is.example']);
    await installation.exm(['contact', 'set', 'jo@was.example', '--facet', 'city=Rome']);
    const former = await installation.exm(['contact', 'forget', 'jo@was.example', '--yes']);
    expect(former.stdout).toMatch(/Where it is the same person:\n {2}exm contact forget jo@is\.example\n$/);
    const shown = await installation.exm(['contact', 'show', 'ida@example.com']);
    expect(shown.code).toBe(1);
    expect(shown.stderr).toMatch(/but it was forgotten on 20\S+ by \S+@/);
    const back = await installation.exm(
      ['contact', 'import', '-', '--list', 'back', '--allow-forgotten', '--json'],
      {
        input: 'email\nida@example.com\n',
      },
    );
    expect(back.json()).toMatchObject({ created: 1 });
  });
});
