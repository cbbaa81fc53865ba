import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { exportSuppression } from '../../../src/contacts/consent/export-refusals.ts';
import {
  countSuppressed,
  listSuppressed,
  showSuppression,
  suppress,
  unsuppress,
} from '../../../src/contacts/consent/suppression.ts';
import { importSuppression } from '../../../src/contacts/import/import-suppression.ts';
import { suppression } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { insertContacts } from '../fixtures.ts';

const database = useTestDatabase();
const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

it('an address is suppressed once, with its first reason, and taken off with what else holds', async () => {
  const { db } = database;
  await insertContacts(db, [{ email: 'sue@example.com', bounceCount: 6, consentRevoked: true }]);
  expect(await suppress(db, 'Sue@example.com', 'spam trap', settings)).toMatchObject({
    email: 'Sue@example.com',
    suppressed: true,
    changed: true,
    entry: { reason: 'spam trap' },
    excluded: ['consent-revoked', 'undelivered-maximum', 'suppression-list'],
  });
  expect(await suppress(db, 'sue@example.com', 'again', settings)).toMatchObject({
    changed: false,
    entry: { reason: 'spam trap' },
  });
  await suppress(db, 'nobody@example.com', 'x', settings);
  expect((await listSuppressed(db, 1)).map(({ email }) => email)).toEqual(['nobody@example.com']);
  expect((await listSuppressed(db, 1, 'nobody@example.com')).map(({ email }) => email)).toEqual([
    'sue@example.com',
  ]);
  expect(await showSuppression(db, 'nobody@example.com', settings)).toMatchObject({
    suppressed: true,
    changed: false,
    excluded: ['suppression-list'],
  });
  expect(await unsuppress(db, 'sue@example.com', settings)).toMatchObject({
    suppressed: false,
    changed: true,
    excluded: ['consent-revoked', 'undelivered-maximum'],
  });
  expect(await unsuppress(db, 'sue@example.com', settings)).toMatchObject({ changed: false });
  await expect(suppress(db, 'nobody', 'x', settings)).rejects.toMatchObject({ code: 'ADDRESS_WRONG' });
  await expect(suppress(db, 'a@b.example', '', settings)).rejects.toMatchObject({ code: 'REASON_WRONG' });
});

it("a person's wish takes the place of a bounce as the cause, and no bounce that of a wish", async () => {
  const { db } = database;
  const causeOf = async (email: string) => (await showSuppression(db, email, settings)).entry?.cause;
  const importText = async (csv: string) =>
    await importSuppression(db, Readable.from([csv]), { reason: 'imported' });
  // Of several rows of one address, too.
  expect(
    await importText(
      'email,cause,reason,since\ndead@wish.example,hard-bounce,,2024-05-01T00:00:00Z\nold@wish.example,,,\n' +
        'both@wish.example,soft-bounces,1,\nBoth@wish.example,Complaint,2,\nboth@wish.example,hard-bounce,3,\n' +
        'odd@wish.example,whatever,,\n',
    ),
  ).toMatchObject({ read: 6, added: 4, known: 2 });
  expect(await Promise.all(['old', 'both', 'odd'].map((name) => causeOf(`${name}@wish.example`)))).toEqual([
    'import',
    'complaint',
    'import',
  ]);
  expect(await causeOf('dead@wish.example')).toBe('hard-bounce');
  expect(await suppress(db, 'dead@wish.example', 'asked by phone', settings)).toMatchObject({
    changed: true,
    entry: { cause: 'by-hand', reason: 'asked by phone', since: new Date('2024-05-01T00:00:00Z') },
  });
  await importText('email,cause,reason\ndead@wish.example,hard-bounce,again\n');
  expect(await causeOf('dead@wish.example')).toBe('by-hand');
  expect((await listSuppressed(db, 10, '', 'by-hand')).map(({ email }) => email)).toContain(
    'dead@wish.example',
  );
  expect(await countSuppressed(db, 'complaint')).toBe(1);
});

it('an export of the suppression list has the causes, and an import takes them', async () => {
  const { db } = database;
  await db.delete(suppression);
  const csv =
    'email,cause,reason,since\nann@round.example,soft-bounces,4 soft bounces,2024-05-01T00:00:00.000Z\n';
  await importSuppression(db, Readable.from([csv]), { reason: 'imported' });
  let exported = '';
  await exportSuppression(db, async (text) => {
    exported += text;
  });
  expect(exported.replaceAll('\r\n', '\n')).toBe(csv);
});
