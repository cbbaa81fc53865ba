import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recipient } from '../../../src/contacts/audience/recipient.ts';
import { MessageComposer } from '../../../src/message/compose.ts';
import { expectEncodedWords, onlyField, takeApart, unfolded } from '../../support/mail-rules.ts';
import { noPython, readWithPython } from '../../support/python-mail.ts';
import { type MailPath, openMailPath } from '../../support/received-mail.ts';
import { ada, freeze, keys, recipient } from '../fixtures.ts';

let path: MailPath;
beforeAll(async () => {
  path = await openMailPath();
});
afterAll(async () => await path.close());

type Change = NonNullable<Parameters<typeof freeze>[0]>;

async function sent(change: Change, to: Recipient = ada): Promise<Buffer> {
  const composer = new MessageComposer(await freeze(change), keys);
  return (await path.send(await composer.compose(to, 7, 0, 'en'))).raw;
}

/** Names and subjects as people and editors write them, and as nobody should. */
const texts: Readonly<Record<string, string>> = {
  plain: 'Autumn sale',
  empty: '',
  Latin: 'Grüße aus Österreich: Änderungen für José & Zoë',
  Greek: 'Καλημέρα κόσμε',
  Cyrillic: 'Осенняя распродажа для Анны',
  Arabic: 'مرحبا بالعالم، هذه رسالة',
  Hebrew: 'שלום עולם',
  Devanagari: 'नमस्ते दुनिया',
  Thai: 'สวัสดีชาวโลก',
  Chinese: '秋季促销现在开始',
  Japanese: 'こんにちは、世界',
  Korean: '안녕하세요 세계',
  emoji: '🎉 Sale 👩‍👩‍👧‍👦 🇦🇹 ❤️',
  combining: 'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞',
  'very long': 'The very long subject of a very long letter '.repeat(20).trim(),
  'one long word': 'x'.repeat(500),
  'very long, all encoded': '漢字'.repeat(300),
  'long, with one foreign letter at its end': `${'word '.repeat(60)}é`,
  'like an encoded word': '=?utf-8?q?=48ello?=',
  'quotes and specials': 'O"Brien, \\ (the <first>; of @all:)',
  'equals, question marks and underscores': 'a_b=c?d=?e_?=',
  'ending with a dot': 'Dr. Smith Jr.',
};

describe('the header of every message', () => {
  test('has each field that is asked for once, and none that is not', async () => {
    const raw = takeApart(await sent({ replyTo: { name: 'Office', address: 'office@example.com' } }));
    expect(raw.fields.map(({ name }) => name).sort()).toEqual(
      [
        'Content-Type',
        'Date',
        'Feedback-ID',
        'From',
        'List-Id',
        'List-Unsubscribe',
        'List-Unsubscribe-Post',
        'MIME-Version',
        'Message-ID',
        'Reply-To',
        'Subject',
        'To',
      ].sort(),
    );
    expect(unfolded(onlyField(raw, 'MIME-Version'))).toBe('1.0');
  });

  test('has a date by RFC 5322, of now, in UTC', async () => {
    const before = Math.floor(Date.now() / 1_000) * 1_000;
    const date = unfolded(onlyField(takeApart(await sent({})), 'Date'));
    expect(date).toMatch(
      /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} \+0000$/,
    );
    expect(Date.parse(date)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(date)).toBeLessThanOrEqual(Date.now());
  });

  test('has a Message-ID of a dot-atom at the domain of the sender, the same over all tries', async () => {
    const composer = new MessageComposer(
      await freeze({ from: { name: '', address: 'news@bücher.example' } }),
      keys,
    );
    const ids: string[] = [];
    for (const position of [7, 7, 8]) {
      const { raw } = await path.send(await composer.compose(ada, position, 0, 'en'));
      ids.push(unfolded(onlyField(takeApart(raw), 'Message-ID')));
    }
    const [first, again, other] = ids;
    expect(first).toMatch(/^<[\w-]+(?:\.[\w-]+)*@xn--bcher-kva\.example>$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test('says Auto-Submitted where no person sent it just now (RFC 3834), and nothing where one did', async () => {
    const content = await freeze();
    const triggered = new MessageComposer(content, keys, { automatic: true });
    const raw = takeApart((await path.send(await triggered.compose(ada, 7, 0, 'en'))).raw);
    expect(unfolded(onlyField(raw, 'Auto-Submitted'))).toBe('auto-generated');
    expect((await sent({})).toString('latin1')).not.toMatch(/^auto-submitted/im);
  });

  test('has a Feedback-ID of four parts, the last of 5 to 15 letters or digits', async () => {
    const raw = takeApart(
      await sent({ from: { name: '', address: 'news@a-very-long-domain-name.example' } }),
    );
    expect(unfolded(onlyField(raw, 'Feedback-ID'))).toMatch(/^[^:\s]+:[^:\s]+:[^:\s]+:[A-Za-z0-9]{5,15}$/);
  });
});

describe('text in a header', () => {
  const cases = Object.entries(texts);

  test.each(cases)('(%s) is in lines and encoded words by RFC 5322 and RFC 2047', async (_, text) => {
    const change: Change = {
      subject: '{{ contact.facets.text }}',
      from: { name: text.slice(0, 200), address: 'news@example.com' },
      replyTo: { name: text.slice(0, 200), address: 'office@example.com' },
    };
    const message = takeApart(await sent(change, recipient({ firstName: text, facets: { text } })));
    expectEncodedWords(message);
    for (const { name, lines } of message.fields) {
      if (!/^(?:from|to|reply-to|subject)$/i.test(name)) continue;
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(78);
    }
  });

  test.each(cases)('(%s) is what postal-mime reads', async (_, text) => {
    const to = recipient({ firstName: text, lastName: '', facets: { text } });
    const raw = await sent(
      { subject: '{{ contact.facets.text }}', from: { name: text, address: 'news@example.com' } },
      to,
    );
    const mail = await PostalMime.parse(raw);
    expect(mail.subject ?? '').toBe(shown(text, 998));
    expect(mail.from).toMatchObject({ name: shown(text, 200), address: 'news@example.com' });
    expect(mail.to).toMatchObject([{ name: shown(text, 200), address: 'ada@example.org' }]);
  });

  test.skipIf(noPython !== undefined)(
    `is what Python's strict parser reads, without a defect${because()}`,
    async () => {
      const raws: Buffer[] = [];
      for (const [, text] of cases) {
        const to = recipient({ firstName: text, lastName: '', facets: { text } });
        raws.push(
          await sent(
            { subject: '{{ contact.facets.text }}', from: { name: text, address: 'news@example.com' } },
            to,
          ),
        );
      }
      const mails = readWithPython(raws);
      cases.forEach(([name, text], index) => {
        const mail = mails[index];
        expect([name, mail?.defects]).toEqual([name, []]);
        const subject = mail?.headers.find(([header]) => header === 'Subject')?.[1];
        expect([name, subject]).toEqual([name, shown(text, 998)]);
        expect([name, closedUp(mail?.from)]).toEqual([
          name,
          closedUp([[shown(text, 200), 'news@example.com']]),
        ]);
        expect([name, closedUp(mail?.to)]).toEqual([name, closedUp([[shown(text, 200), 'ada@example.org']])]);
      });
    },
  );
});

/** What is meant to be read: as given, but for a look-alike of an encoded word, which nobody may decode. */
function shown(text: string, maximum: number): string {
  const clean = text.replaceAll('=?', '= ?');
  return [...clean].slice(0, maximum).join('').trimEnd();
}

/** Python before 3.13.2 puts a space between the encoded words of a name, against RFC 2047 section 6.2. */
function closedUp(mailboxes: readonly (readonly [string, string])[] = []): string[] {
  return mailboxes.map(([name, address]) => `${name.replace(/\s/g, '')} <${address}>`);
}

function because(): string {
  return noPython === undefined ? '' : ` (skipped: ${noPython})`;
}
