import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../../src/dispatch/journal/journal.ts';
import { parseJournal } from '../../../src/dispatch/journal/journal-lines.ts';
import { createLogger } from '../../../src/logging.ts';
import { useTestFolder } from '../../support/test-folder.ts';
import { positions, putOff, sent, written } from './entries.ts';

const log = createLogger('test');
const of = { campaignId: 'autumn-1234', batch: 3, lease: 1 };
const folder = useTestFolder();

describe('the journal', () => {
  it('is on disk before the next turn of the event loop is over', async () => {
    const journal = new Journal({ dir: folder.path, server: 'd1', log });
    journal.outcome(of, sent(1));
    journal.outcome(of, sent(2));
    expect(written(folder.path)).toEqual([]);
    await journal.appended();
    expect(written(folder.path)).toEqual(
      [1, 2].map((position) => ({ type: 'outcome', ...of, ...sent(position) })),
    );
    expect(journal.appended()).toBeUndefined();
    journal.close();
  });

  it('keeps what a flush has not recorded, and only that', async () => {
    const journal = new Journal({ dir: folder.path, server: 'd1', log });
    const told = async (position: number) => {
      journal.outcome(of, sent(position));
      await journal.appended();
    };
    await told(1);
    journal.flushBegins();
    await told(2);
    journal.flushSucceeded();
    expect(positions(folder.path)).toEqual([2]);
    journal.flushBegins();
    await told(3);
    // That flush failed; the next one holds all there is.
    journal.flushBegins();
    await told(4);
    expect(positions(folder.path).sort()).toEqual([2, 3, 4]);
    journal.flushSucceeded();
    expect(positions(folder.path)).toEqual([3, 4]);
    journal.flushBegins();
    journal.flushSucceeded();
    await told(5);
    journal.close();
    expect(positions(folder.path)).toEqual([5]);
  });

  it('leaves no file behind where everything is recorded', async () => {
    const journal = new Journal({ dir: folder.path, server: 'd1', log });
    journal.announced(of, { first: 1, last: 20 });
    journal.begun(of, 1);
    journal.outcome(of, sent(1));
    await journal.appended();
    journal.ended(of);
    journal.flushBegins();
    journal.flushSucceeded();
    journal.close();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('keeps what is begun, however often the files take turns, until it is answered', async () => {
    const journal = new Journal({ dir: folder.path, server: 'd1', log });
    const flush = () => {
      journal.flushBegins();
      journal.flushSucceeded();
    };
    journal.announced(of, { first: 1, last: 20 });
    journal.begun(of, 7);
    for (let turn = 0; turn < 3; turn++) flush();
    expect(written(folder.path)).toEqual([
      { type: 'announced', ...of, range: { first: 1, last: 20 } },
      { type: 'begun', ...of, position: 7 },
    ]);
    journal.deferral(of, putOff(7));
    await journal.appended();
    flush();
    expect(written(folder.path).map(({ type }) => type)).toEqual(['announced']);
    journal.close();
  });

  it('is read in spite of a line that was cut off', () => {
    const lines = [
      '{"journal":1,"server":"d1","host":"h","pids":"","process":{"pid":2,"identity":"x"}}',
      '["o","a",1,1,5,5,{"kind":"sent","reply":"","messageId":""},0]',
      '["o","a",1,1,6,6,{"ki',
    ];
    const parsed = parseJournal(lines.join('\n'));
    expect(parsed.owner?.server).toBe('d1');
    expect(parsed.entries).toHaveLength(1);
    expect(parsed.damaged).toBe(1);
  });

  it('refuses a folder that it cannot use', () => {
    writeFileSync(join(folder.path, 'file'), '');
    expect(() => new Journal({ dir: join(folder.path, 'file'), server: 'd1', log })).toThrow(
      expect.objectContaining({ code: 'JOURNAL_DIR', field: 'EXM_JOURNAL_DIR' }),
    );
  });

  it('is given up where the disk is full, says so, and is taken up again when there is room', async (context) => {
    const small = join(folder.path, 'small');
    execFileSync('mkdir', [small]);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      return context.skip('a small file system can only be mounted by root, where the kernel lets it');
    }
    try {
      const journal = new Journal({ dir: small, server: 'd1', log });
      writeFileSync(join(small, 'ballast'), Buffer.alloc(4_096));
      for (let position = 1; position <= 200; position++) journal.outcome(of, sent(position));
      await journal.appended();
      expect(journal.works).toBe(false);
      expect(written(small)).toEqual([]);
      rmSync(join(small, 'ballast'));
      // The end of a flush that began before says nothing of what the journal has lost since.
      journal.flushSucceeded();
      expect(journal.works).toBe(false);
      journal.announced(of, { first: 201, last: 220 });
      journal.flushBegins();
      journal.begun(of, 201);
      journal.outcome(of, sent(201));
      journal.flushSucceeded();
      expect(journal.works).toBe(true);
      // What that flush did not hold stands in it from the first: it will be taken for a whole one.
      expect(written(small)).toEqual([
        { type: 'begun', ...of, position: 201 },
        { type: 'outcome', ...of, ...sent(201) },
        { type: 'announced', ...of, range: { first: 201, last: 220 } },
      ]);
      journal.close();
    } finally {
      execFileSync('umount', [small]);
    }
  });
});
