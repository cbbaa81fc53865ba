import { describe, expect, it } from 'vitest';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { waitingForLocks } from '../../support/waiting-for-locks.ts';
import { contactByEmail, insertContacts } from '../fixtures.ts';
import { importText } from './import-text.ts';

const database = useTestDatabase();

const somebodyWaitsForALock = async () => (await waitingForLocks(database.db)) > 0;

describe('a "no" that is known', () => {
  const asksForMail = 'email,doNotMarket,consentRevoked,bounceCount\nno@consent.example,false,0,0\n';
  const saidNo = { email: 'no@consent.example', doNotMarket: true, consentRevoked: true, bounceCount: 9 };
  const consent = async () => {
    const { doNotMarket, consentRevoked, bounceCount } = await contactByEmail(
      database.db,
      'no@consent.example',
    );
    return { doNotMarket, consentRevoked, bounceCount };
  };

  it('stays when a file says otherwise, and when it says nothing', async () => {
    await insertContacts(database.db, [saidNo]);
    await importText(database.db, asksForMail);
    await importText(database.db, 'email,doNotMarket,consentRevoked,bounceCount\nno@consent.example,,,\n');
    await importText(database.db, 'email\nno@consent.example\n');
    expect(await consent()).toEqual({ doNotMarket: true, consentRevoked: true, bounceCount: 9 });
  });

  it('stays when the file itself takes it back further down', async () => {
    await importText(database.db, 'email,doNotMarket\nlater@consent.example,yes\nlater@consent.example,no\n');
    expect(await contactByEmail(database.db, 'later@consent.example')).toMatchObject({ doNotMarket: true });
  });

  it('is taken back only where that is asked for', async () => {
    await importText(database.db, asksForMail, { allowConsentGrant: true });
    expect(await consent()).toEqual({ doNotMarket: false, consentRevoked: false, bounceCount: 0 });
    await importText(
      database.db,
      'email,doNotMarket\nlater@consent.example,yes\nlater@consent.example,no\n',
      {
        allowConsentGrant: true,
      },
    );
    expect(await contactByEmail(database.db, 'later@consent.example')).toMatchObject({ doNotMarket: false });
  });

  it('can always be said by a file', async () => {
    await importText(
      database.db,
      'email,doNotMarket,consentRevoked,bounceCount\nno@consent.example,TRUE,Yes,4\n',
    );
    expect(await consent()).toEqual({ doNotMarket: true, consentRevoked: true, bounceCount: 4 });
  });

  it('that is given while an import merges is kept', async () => {
    await insertContacts(database.db, [{ email: 'now@consent.example', firstName: 'Old' }]);
    // The import finds the row locked by somebody who revokes, waits, and must then see the new row.
    const client = await database.db.$client.connect();
    await client.query('begin');
    await client.query(`update contact set consent_revoked = true where email_key = 'now@consent.example'`);
    const importing = importText(database.db, 'email,firstName,consentRevoked\nnow@consent.example,New,no\n');
    await waitFor(somebodyWaitsForALock, { describe: 'the import to wait for the row' });
    await client.query('commit');
    client.release();
    await importing;
    expect(await contactByEmail(database.db, 'now@consent.example')).toMatchObject({
      firstName: 'New',
      consentRevoked: true,
    });
  });
});
