import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { feedback } from '../../../src/db/schema.ts';
import { deliveredTo } from '../../../src/feedback/reading/delivered-to.ts';
import { takeNew } from '../../../src/feedback/receiving/read-maildir.ts';
import { createLogger } from '../../../src/logging.ts';
import { useClosers } from '../../support/closers.ts';
import { useTestDatabase } from '../../support/database.ts';
import { bounceDomain, bounceMessage, queuedFor } from '../fixtures.ts';

const database = useTestDatabase();
const closers = useClosers();
const log = createLogger('test');
log.level = 'silent';

beforeEach(async () => {
  await database.db.execute(sql`truncate feedback restart identity`);
});

function maildir() {
  const path = mkdtempSync(join(tmpdir(), 'exm-maildir-'));
  for (const folder of ['new', 'tmp']) mkdirSync(join(path, folder));
  closers.push(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    deliver: (name: string, raw: Buffer) => writeFileSync(join(path, 'new', name), raw),
    list: (folder: 'new' | 'cur') => readdirSync(join(path, folder)).sort(),
    take: async (stop = new AbortController().signal) => await takeNew({ path, db: database.db, log, stop }),
  };
}

const delivered = (to: string) => Buffer.concat([Buffer.from(`Delivered-To: ${to}\r\n`), bounceMessage()]);
const rows = async () => await database.db.select().from(feedback).orderBy(feedback.id);

describe('a Maildir', () => {
  it('is emptied: what is new is stored, with the address that it was delivered to, and moved', async () => {
    const { of } = await queuedFor(database.db, 1);
    const box = maildir();
    box.deliver('1.a.host', delivered(of(1).bounce));
    box.deliver('2.b.host:2,', bounceMessage());
    box.deliver('.hidden', bounceMessage());
    expect(await box.take()).toBe(2);
    expect(box.list('new')).toEqual(['.hidden']);
    expect(box.list('cur')).toEqual(['1.a.host:2,S', '2.b.host:2,S']);
    expect((await rows()).map(({ source, envelopeTo }) => [source, envelopeTo])).toEqual([
      ['maildir', of(1).bounce],
      ['maildir', ''],
    ]);
    expect(await box.take()).toBe(0);
  });

  it('is stored once where the process is killed after it stored and before it moved', async () => {
    const { of } = await queuedFor(database.db, 1);
    const box = maildir();
    box.deliver('1.a.host', delivered(of(1).bounce));
    await box.take();
    renameSync(join(box.path, 'cur', '1.a.host:2,S'), join(box.path, 'new', '1.a.host'));
    expect(await box.take()).toBe(0);
    expect(box.list('new')).toEqual([]);
    expect(await rows()).toHaveLength(1);
  });

  it('is read by several at once, and a part is left where the database refuses', async () => {
    const { of } = await queuedFor(database.db, 40);
    const box = maildir();
    for (let position = 1; position <= 40; position++)
      box.deliver(`${position}.host`, delivered(of(position).bounce));
    const counts = await Promise.all([box.take(), box.take(), box.take()]);
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(40);
    expect(box.list('new')).toEqual([]);

    await database.db.execute(sql`alter table feedback rename to feedback_away`);
    box.deliver('later', delivered(of(1).bounce.toUpperCase()));
    await expect(box.take()).rejects.toThrow();
    await database.db.execute(sql`alter table feedback_away rename to feedback`);
    expect(box.list('new')).toEqual(['later']);
  });

  it('is read on where one file cannot be moved, and a pipe is left alone', async () => {
    const { of } = await queuedFor(database.db, 2);
    const box = maildir();
    box.deliver('1.host', delivered(of(1).bounce));
    box.deliver('3.host', delivered(of(2).bounce));
    mkdirSync(join(box.path, 'cur', '1.host:2,S', 'in the way'), { recursive: true });
    execFileSync('mkfifo', [join(box.path, 'new', '2.host')]);
    await expect(box.take()).rejects.toThrow('1.host');
    expect(await rows()).toHaveLength(2);
    expect(box.list('new')).toEqual(['1.host', '2.host']);
  });

  it('takes the beginning of what is too large, and leaves folders alone', async () => {
    const box = maildir();
    box.deliver('large', Buffer.concat([bounceMessage(), Buffer.alloc(3_000_000, 'x')]));
    mkdirSync(join(box.path, 'new', 'folder'));
    expect(await box.take()).toBe(1);
    expect((await rows())[0]?.raw).toHaveLength(1_048_576);
    expect(existsSync(join(box.path, 'new', 'folder'))).toBe(true);
  });

  it('of a folder that is none is an error', async () => {
    const path = join(maildir().path, 'nowhere');
    const stop = new AbortController().signal;
    await expect(takeNew({ path, db: database.db, log, stop })).rejects.toThrow('ENOENT');
  });
});

describe('the address that a message was delivered to', () => {
  const ours = `b-1-1-${'a'.repeat(24)}@${bounceDomain}`;

  it.each([
    ['Delivered-To', `Delivered-To: ${ours}\r\nTo: x@y.example\r\n\r\nTo: b`],
    ['X-Original-To, folded', `X-Original-To:\r\n <${ours}>\r\n\r\n`],
    ['To, among others', `To: "A, B" <a@b.example>, ${ours.toUpperCase()}\n\nbody`],
    ['a Delivered-To that another forwarder left', `Delivered-To: box@mx.example\nDelivered-To: ${ours}\n\n`],
  ])('is taken from %s', (_, raw) => {
    expect(deliveredTo(Buffer.from(raw)).toLowerCase()).toBe(ours);
  });

  it('takes no longer to find than the header is long', () => {
    const before = process.cpuUsage();
    expect(deliveredTo(Buffer.from(`To: ${'a'.repeat(65_000)}\r\nTo: ${ours}\r\n\r\n`))).toBe(ours);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(500);
  });

  it('is none where only the text names one, or none is of our form', () => {
    expect(deliveredTo(Buffer.from(`To: a@b.example\r\n\r\nTo: ${ours}\r\n`))).toBe('');
    expect(deliveredTo(Buffer.from('To: b-1-1@bounces.example.com\r\n\r\n'))).toBe('');
    expect(deliveredTo(Buffer.alloc(0))).toBe('');
  });
});
