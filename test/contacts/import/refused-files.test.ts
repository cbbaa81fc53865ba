import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { contact, contactList, listMember } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { importText, newListName } from './import-text.ts';

const database = useTestDatabase();
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'exm-import-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function counts() {
  const { rows } = await database.db.execute<{ contacts: number; lists: number; members: number }>(sql`
    select (select count(*)::int from ${contact}) as contacts, (select count(*)::int from ${contactList}) as lists,
      (select count(*)::int from ${listMember}) as members`);
  return rows[0];
}

describe('a file that cannot be imported', () => {
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'imported',
      (error) => error.code,
    );

  it('is refused before anything is written', async () => {
    const before = await counts();
    const head = `email\n${Array.from({ length: 9_000 }, (_, i) => `a${i}@half.example\n`).join('')}`;
    const wrong: [Buffer | string, string][] = [
      ['', 'CSV_EMPTY'],
      ['\n \r\n\n', 'CSV_EMPTY'],
      ['firstName,lastName\nAnn,Smith\n', 'CSV_NO_EMAIL_COLUMN'],
      ['email,Email\na@b.example,a@b.example\n', 'CSV_COLUMN_TWICE'],
      ['email,first name,firstName\n', 'CSV_COLUMN_TWICE'],
      ['email,,b\n', 'CSV_HEADER'],
      ['email,__proto__\n', 'CSV_HEADER'],
      [`email,${Array.from({ length: 200 }, (_, i) => `c${i}`).join(',')}\n`, 'CSV_HEADER'],
      ['"email,name\n', 'CSV_HEADER'],
      [Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0x0a])]), 'CSV_NOT_UTF8'],
      [Buffer.concat([Buffer.from(head), Buffer.from([0x00, 0x0a])]), 'CSV_BINARY'],
    ];
    for (const [content, code] of wrong) expect(await codeOf(importText(database.db, content))).toBe(code);
    expect(await codeOf(importText(database.db, 'email\n', { list: '' }))).toBe('LIST_NAME');
    expect(await codeOf(importText(database.db, 'email\n', { list: 'a\nb' }))).toBe('LIST_NAME');
    expect(await codeOf(importText(database.db, 'email\n', { list: 'x'.repeat(101) }))).toBe('LIST_NAME');
    expect(await counts()).toEqual(before);
  });

  it('is named: missing, a directory, or with the line and column that are wrong', async () => {
    const path = join(dir, 'contacts.csv');
    const from = (input: string) => importContacts(database.db, input, { list: newListName() });
    await expect(from(path)).rejects.toMatchObject({ code: 'FILE_MISSING', value: path });
    mkdirSync(join(dir, 'folder'));
    await expect(from(join(dir, 'folder'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    writeFileSync(path, 'firstName;city\nAnn;Köln\n');
    await expect(from(path)).rejects.toMatchObject({
      code: 'CSV_NO_EMAIL_COLUMN',
      field: `${path}:1`,
      value: 'firstName, city',
    });
  });

  it('leaves nothing when it breaks off or is broken off', async () => {
    const before = await counts();
    async function* breaks() {
      yield Buffer.from('email\na@broken.example\n');
      await Promise.resolve();
      throw new Error('the disk went away');
    }
    await expect(
      importContacts(database.db, Readable.from(breaks()), { list: newListName() }),
    ).rejects.toThrow('the disk went away');

    const controller = new AbortController();
    async function* endless() {
      yield Buffer.from('email\n');
      for (let i = 0; ; i++) {
        yield Buffer.from(`a${i}@endless.example\n`);
        if (i === 5_000) controller.abort(new Error('enough'));
      }
    }
    await expect(
      importContacts(database.db, Readable.from(endless()), {
        list: newListName(),
        signal: controller.signal,
      }),
    ).rejects.toThrow('enough');

    // The first is broken off before anything was read.
    for (const afterMs of [0, 100]) {
      const silent = new Readable({ read() {} });
      silent.push('email\n');
      await expect(
        importContacts(database.db, silent, { list: newListName(), signal: AbortSignal.timeout(afterMs) }),
      ).rejects.toMatchObject({ name: 'TimeoutError' });
    }
    expect(await counts()).toEqual(before);
  });

  it('leaves nothing when the database breaks the connection off', async () => {
    const before = await counts();
    async function* cutOff() {
      yield Buffer.from('email\n');
      for (let i = 0; ; i++) {
        yield Buffer.from(`a${i}@cut.example\n`.repeat(100));
        if (i !== 500) continue;
        await database.db.execute(sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query like 'copy import_row%'`);
      }
    }
    await expect(
      importContacts(database.db, Readable.from(cutOff()), { list: newListName() }),
    ).rejects.toThrow();
    expect(await counts()).toEqual(before);
  });

  it('does not hold up the next one', async () => {
    await importText(database.db, Buffer.from([0x61, 0xff, 0x0a])).catch(() => undefined);
    for (let i = 0; i < 10; i++) await importText(database.db, '').catch(() => undefined);
    expect(await importText(database.db, 'email\nnext@good.example\n')).toMatchObject({ created: 1 });
  });
});
