import { expect, it } from 'vitest';
import {
  listSuppressed,
  showSuppression,
  suppress,
  unsuppress,
} from '../../../src/contacts/consent/suppression.ts';
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
