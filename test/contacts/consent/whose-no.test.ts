import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { suppress } from '../../../src/contacts/consent/suppression.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { removeList } from '../../../src/contacts/lists/list-use.ts';
import { createList } from '../../../src/contacts/lists/lists.ts';
import { showContact } from '../../../src/contacts/show-contact.ts';
import { useTestDatabase } from '../../support/database.ts';

const database = useTestDatabase();
const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

const importText = async (text: string, list = 'everybody') =>
  await importContacts(database.db, Readable.from([text]), { list });
const excluded = async (email: string) => (await showContact(database.db, email, settings)).excluded;

/** Ways to write one address, and one that looks much like it and is somebody else's. */
const spellings = [
  ['in capitals', 'Ann.Lee@Spelt.Example', 'ann.lee@spelt.example', 'annlee@spelt.example'],
  ['with its domain in Unicode', 'bea@münchen.example', 'BEA@xn--mnchen-3ya.example', 'bea@munchen.example'],
  ['composed and decomposed', 'zoe\u0308@spelt.example', 'zo\u00eb@spelt.example', 'zoe@spelt.example'],
  ['with spaces around', ' cid@spelt.example ', 'cid@spelt.example', 'cid@sub.spelt.example'],
  [
    'with a tag, which is another address',
    'dan@spelt.example',
    'DAN@spelt.example',
    'dan+news@spelt.example',
  ],
] as const;

it.each(spellings)(
  'a "no" by an address %s is one by each of its spellings, and of nobody else',
  async (_, said, meant, other) => {
    await importText(`email\n${meant}\n${other}\n`);
    for (const say of [
      async () => await optOut(database.db, said),
      async () => await suppress(database.db, said, 'asked', settings),
    ]) {
      expect(await say()).toMatchObject({ changed: true });
      expect(await excluded(said)).not.toBeNull();
      expect(await excluded(meant)).not.toBeNull();
    }
    expect(await excluded(other)).toBeNull();
  },
);

it.each(spellings)(
  'rows of a file with a "no" by an address %s and without are one person, who says no',
  async (_, said, meant, other) => {
    const [one, two, three] = [said, meant, other].map((address) => address.replace('@', '.row@'));
    const report = await importText(
      `email,doNotMarket,firstName\n"${one}",yes,First\n"${two}",,Second\n"${two}",no,\n"${three}",no,Other\n`,
    );
    expect(report).toMatchObject({ created: 2, duplicates: 2 });
    expect(await excluded(two ?? '')).toBe('do-not-market');
    expect(await excluded(three ?? '')).toBeNull();
    // Nor does a later file take it back.
    await importText(`email,doNotMarket\n"${one?.toUpperCase()}",false\n`);
    expect(emailKey(one ?? '')).toBe(emailKey(two ?? ''));
    expect(await excluded(one ?? '')).toBe('do-not-market');
  },
);

it('a list that people have opted out of is not made again without them by mistake', async () => {
  await createList(database.db, 'weekly');
  await importText('email\nleft@again.example\n', 'weekly');
  await optOutOfList(database.db, 'left@again.example', 'weekly');
  await expect(removeList(database.db, 'weekly')).rejects.toMatchObject({ code: 'LIST_OPT_OUTS' });
  await importText('email\nleft@again.example\n', 'weekly');
  expect(await showContact(database.db, 'left@again.example', settings)).toMatchObject({
    listOptOuts: [{ list: 'weekly' }],
  });
  // By name it is forgotten; a "no" to everything is not.
  await optOut(database.db, 'left@again.example');
  await removeList(database.db, 'weekly', { withOptOuts: true });
  await importText('email\nleft@again.example\n', 'weekly');
  expect(await showContact(database.db, 'left@again.example', settings)).toMatchObject({
    listOptOuts: [],
    excluded: 'global-opt-out',
  });
});
