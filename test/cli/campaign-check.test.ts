import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contactList } from '../../src/db/schema.ts';
import { type Folder, temporaryFolder } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { runExm } from '../support/installation.ts';

const database = useTestDatabase();
let folder: Folder;
beforeAll(async () => {
  await database.db.insert(contactList).values({ name: 'customers' });
  folder = temporaryFolder();
  folder.write(
    'wrong.html',
    `<p>Dear {{ contact.firstNam }},\n{{ managerRoot.compny }}</p> <a href="/shop">Shop</a>\n<img src="https://a.example/i.png">\n`,
  );
  folder.write(
    'right.html',
    '<p>Dear {{ contact.firstName }}, {{ managerRoot.company }} greets you.</p><a href="{{ unsubscribeUrl }}">Unsubscribe</a>',
  );
  folder.write(
    'exm.config.ts',
    "export default { managerRoot: { values: { company: 'Fennel & Slate' } } };\n",
  );
  folder.write('wrong.yaml', campaign('wrong.html', 'custmers'));
  folder.write('right.yaml', campaign('right.html', 'customers'));
  folder.write('unknown.yaml', 'nmae: Autumn\n');
});
afterAll(async () => {
  folder.remove();
});

const campaign = (template: string, list: string) =>
  `name: Autumn\nfrom: news@example.com\nsubject: Hello\ntemplate: ${template}\ninclude: [${list}]\n`;

const check = (args: readonly string[], databaseUrl?: string) =>
  runExm(['campaign', 'check', ...args], {
    cwd: folder.path,
    env: { PATH: process.env['PATH'], ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }) },
  });

describe('exm campaign check', () => {
  test('says everything that is wrong, by file, and what it could not look at', async () => {
    const { code, stdout, stderr } = await check(['wrong.yaml']);
    expect(stderr).toBe('');
    expect(stdout).toBe(`wrong.html
   1:1  warning  the body has no unsubscribe link. (NO_UNSUBSCRIBE)
                 Put <a href="{{ unsubscribeUrl }}">Unsubscribe</a> into it: the law of most countries asks for it, and readers who find none report spam.
   2:4  error    there is no token {{ managerRoot.compny }}. Did you mean "company"? (TEMPLATE_TOKEN)
                 Known here: company.
  2:33  error    the link "/shop" is relative; a message needs whole addresses such as https://example.com/. (TEMPLATE_LINK)
                 Tracked links are web addresses; {{ contact... }} and {{ campaign... }} may stand in them.
   3:1  warning  this <img> has no alternative text (alt). (IMAGE_ALT)
                 Say in alt what the image says, for it is blocked at first and not seen by everybody; alt="" for decoration.

Not checked: whether the lists exist, and whether anybody has the facets. DATABASE_URL is not set.

2 errors, 2 warnings
`);
    expect(code).toBe(1);
  });

  test('asks the database about lists and facets where there is one', async () => {
    const { code, json } = await check(['wrong.yaml', '--json'], database.url);
    expect(code).toBe(1);
    const { findings, ...rest } = json();
    expect(rest).toEqual({ file: 'wrong.yaml', errors: 4, warnings: 2, unchecked: [] });
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'LIST_UNKNOWN',
        where: 'wrong.yaml:5:11',
        message: expect.stringContaining('Did you mean "customers"?'),
      }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'TEMPLATE_TOKEN',
        where: 'wrong.html:1:12',
        message: expect.stringContaining('Did you mean "firstName"'),
      }),
    );
  });

  test('names every file that is not there, and what else is wrong beside it', async () => {
    folder.write(
      'lacking.html',
      '<a href="{{ unsubscribeUrl }}">Unsubscribe</a>\n<img src="no.png" alt="x">\n{% if contact.firstName %}open\n<img src="nor.png" alt="y">',
    );
    folder.write('lacking.yaml', `${campaign('lacking.html', 'customers')}attachments: [a.pdf, b.pdf]\n`);
    const { code, json } = await check(['lacking.yaml', '--json'], database.url);
    expect(code).toBe(1);
    const errors: { where: string; code: string; severity: string }[] = json().findings;
    expect(errors.filter(({ severity }) => severity === 'error').map((one) => [one.where, one.code])).toEqual(
      [
        ['lacking.html:2:11', 'IMAGE_FILE'],
        ['lacking.html:3:1', 'TEMPLATE_LIQUID'],
        ['lacking.html:4:11', 'IMAGE_FILE'],
        ['lacking.yaml:6:15', 'ATTACHMENT_FILE'],
        ['lacking.yaml:6:22', 'ATTACHMENT_FILE'],
      ],
    );
    folder.write(
      'lacking.html',
      '<a href="{{ unsubscribeUrl }}">Unsubscribe</a>\n<img src="no.png" alt="x">\n{{ x }}',
    );
    const closed: { where: string; code: string; severity: string }[] = (
      await check(['lacking.yaml', '--json'], database.url)
    ).json().findings;
    expect(closed.filter(({ severity }) => severity === 'error').map((one) => [one.where, one.code])).toEqual(
      [
        ['lacking.html:2:11', 'IMAGE_FILE'],
        ['lacking.html:3:4', 'TEMPLATE_TOKEN'],
        ['lacking.yaml:6:15', 'ATTACHMENT_FILE'],
        ['lacking.yaml:6:22', 'ATTACHMENT_FILE'],
      ],
    );
  });

  test('ends with 0 where nothing is wrong, and creates nothing', async () => {
    expect(await check(['right.yaml', '--links'], database.url)).toMatchObject({
      code: 0,
      stdout: 'right.yaml: nothing to complain about\n',
    });
  });

  test('tells a mistake of the file itself from a file that is not there', async () => {
    const unknown = await check(['unknown.yaml']);
    expect(unknown.code).toBe(1);
    expect(unknown.stdout).toContain(
      '1:1  error    "nmae" is not a key of a campaign file. Did you mean "name"?',
    );
    expect(unknown.stdout).toContain('1:1  error    from is missing.');
    const missing = await check(['none.yaml']);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('The file none.yaml does not exist.');
    expect((await check([])).code).toBe(2);
  });
});
