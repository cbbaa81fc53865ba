import { describe, expect, it } from 'vitest';
import { readNotification } from '../../../src/feedback/reading/read-notification.ts';

const read = (lines: readonly string[]) => readNotification(Buffer.from(lines.join('\r\n')));

describe('readNotification', () => {
  it('reads a delivery status notification with the message that came back', async () => {
    expect(
      await read([
        'From: MAILER-DAEMON@mx.example.net',
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        '',
        '--b',
        'Content-Type: message/delivery-status',
        '',
        'Reporting-MTA: dns; mx.example.net',
        '',
        'Final-Recipient: rfc822; ann@example.com',
        'Action: failed',
        'Status: 5.1.1',
        'Diagnostic-Code: smtp; 550 5.1.1 <ann@example.com>: User unknown',
        '',
        '--b',
        'Content-Type: message/rfc822',
        '',
        'Message-ID: <spring.7.0123456789abcdef01234567@example.org>',
        'List-Unsubscribe: <https://example.org/u/1>',
        '',
        'Hello',
        '--b--',
        '',
      ]),
    ).toEqual([
      {
        kind: 'bounce',
        class: 'hard',
        status: '5.1.1',
        text: '550 5.1.1 <…@…>: User unknown',
        recipient: 'ann@example.com',
        messageId: '<spring.7.0123456789abcdef01234567@example.org>',
        listUnsubscribe: '<https://example.org/u/1>',
      },
    ]);
  });

  it('reads a complaint', async () => {
    expect(
      await read([
        'Content-Type: multipart/report; report-type=feedback-report; boundary=b',
        '',
        '--b',
        'Content-Type: message/feedback-report',
        '',
        'Feedback-Type: abuse',
        'Original-Rcpt-To: <ann@example.com>',
        '--b',
        'Content-Type: text/rfc822-headers',
        '',
        'Message-ID: <spring.7.0123456789abcdef01234567@example.org>',
        '--b--',
        '',
      ]),
    ).toMatchObject([
      { kind: 'complaint', text: 'abuse', recipient: 'ann@example.com', messageId: expect.any(String) },
    ]);
  });

  it.each([
    ['nothing at all', Buffer.alloc(0)],
    ['bytes that are no message', Buffer.from([0, 255, 13, 10, 10, 0xc3, 0x28])],
    ['a letter', Buffer.from('Subject: Hello\r\n\r\nHow are you?\r\n')],
  ])('says of %s that it does not understand it', async (_, raw) => {
    expect(await readNotification(raw)).toEqual([{ kind: 'unclear', why: expect.any(String) }]);
  });

  it.each([
    ['Automatic reply: Spring', 'nothing'],
    ['Re: Out of Office: Spring', 'nothing'],
    ['=?utf-8?Q?Automatische_Antwort:_Fr=C3=BChling?=', 'nothing'],
    ['=?utf-8?B?UsOpcG9uc2UgYXV0b21hdGlxdWU=?=', 'nothing'],
    ['=?utf-8?B?6Ieq5Yqo5Zue5aSNOiBTcHJpbmc=?=', 'nothing'],
    ['Abwesenheitsnotiz', 'nothing'],
    ['Vacation in the mountains', 'unclear'],
    ['Re: Spring has come', 'unclear'],
    ['The answer is automatic', 'unclear'],
  ])('takes an answer with the subject %j for %s', async (subject, kind) => {
    const found = await read(['From: ann@example.com', `Subject: ${subject}`, '', 'Until Monday.', '']);
    expect(found).toMatchObject([{ kind }]);
  });

  const mebibyte = 1_048_576;
  const full = (block: string, head = ''): string =>
    head + block.repeat(Math.ceil((mebibyte - head.length - 1) / block.length));
  const bounce = 'From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n';
  const nested = (depth: number): string =>
    depth === 0
      ? 'x\n'
      : `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n${nested(depth - 1)}`;

  it.each([
    ['zeros', full('\0')],
    ['line ends', full('\n')],
    ['carriage returns', full('\r')],
    ['one field without an end', full('x', 'Subject: ')],
    ['fields', full('X-Failed-Recipients: a@example.com\n')],
    ['folds', full(' \t\n', 'Subject:\n')],
    ['parameters', full('; boundary', 'Content-Type: multipart/mixed')],
    ['parts', full('--b\n\n', 'Content-Type: multipart/mixed; boundary=b\n\n')],
    ['boundaries in one line', full('--b', 'Content-Type: multipart/mixed; boundary=b\n\n')],
    ['spaces behind a boundary', full(' ', 'Content-Type: multipart/mixed\n\n\n--b')],
    ['parts in parts', nested(500)],
    ['spaces in quoted-printable', full(' ', 'Content-Transfer-Encoding: quoted-printable\n\n')],
    ['base64', full('QUFB', 'Content-Transfer-Encoding: base64\n\n')],
    ['another charset', full('\x1b$B', 'Content-Type: text/plain; charset=iso-2022-jp\n\n')],
    ['no charset', full('\xff', 'Content-Type: text/plain; charset=nothing\n\n')],
    ['elements of HTML', full('<style>', `${bounce}Content-Type: text/html\n\n`)],
    ['half elements of HTML', full('<a ', `${bounce}Content-Type: text/html\n\n`)],
    ['addresses', full('a@b.example ', `${bounce}\n`)],
    ['lines of addresses', full('<a@b.example>:\n', `${bounce}\nHi. This is the x program\n`)],
    ['at signs', full('@', `${bounce}\n`)],
    ['dashes', full('-', `${bounce}\n`)],
    ['words', full('user mailbox is not could not be delivered ', `${bounce}\n`)],
    ['reply codes', full('550 5.1.1 ', `${bounce}\n`)],
    [
      'recipients',
      full(
        'Final-Recipient: rfc822;a@b.example\nAction: failed\n\n',
        'Content-Type: message/delivery-status\n\n',
      ),
    ],
  ])('ends within bounds for a mebibyte of %s', async (_, text) => {
    const before = process.cpuUsage();
    const read = await readNotification(Buffer.from(`${text.slice(0, mebibyte - 1)}\n`, 'latin1'));
    const { user } = process.cpuUsage(before);
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThanOrEqual(21);
    expect(JSON.stringify(read).length).toBeLessThan(40_000);
    expect(user / 1_000).toBeLessThan(2_000);
  });

  it('says that a report has more recipients than it reads', async () => {
    const groups = Array.from({ length: 30 }, (_, n) => [
      `Final-Recipient: rfc822;p${n}@example.com`,
      'Action: failed',
      '',
    ]);
    const found = await read(['Content-Type: message/delivery-status', '', ...groups.flat()]);
    expect(found).toHaveLength(21);
    expect(found.at(-1)).toEqual({ kind: 'unclear', why: 'a delivery report about more than 20 recipients' });
  });

  it('does not take what a bounce brings back for a bounce of its own', async () => {
    const inner = [
      'Content-Type: message/delivery-status',
      '',
      'Final-Recipient: rfc822;a@example.com',
      'Action: failed',
      '',
    ];
    const outer = ['From: ann@example.com', 'Content-Type: multipart/mixed; boundary=b', '', '--b'];
    const found = await read([...outer, 'Content-Type: message/rfc822', '', ...inner, '--b--', '']);
    expect(found).toEqual([{ kind: 'unclear', why: expect.any(String) }]);
  });

  it('does not read half an address where a message was cut', async () => {
    const whole =
      'Hi. This is the qmail-send program.\nRemote host said: 550 No such user\n\n<ann@example.com>:\n';
    const names = async (text: string) => {
      const head = 'From: MAILER-DAEMON@mx.example.net\nIn-Reply-To: <a.1.b@example.org>\n\n';
      const [found] = await readNotification(Buffer.from(head + text));
      return found?.kind === 'bounce' ? found.recipient : undefined;
    };
    expect(await names(whole)).toBe('ann@example.com');
    for (let end = 0; end < whole.length; end += 1) expect(await names(whole.slice(0, end))).toBeUndefined();
  });

  it('keeps no address in what it says', async () => {
    const group = [
      'Final-Recipient: rfc822;ann@example.com',
      'Action: failed',
      'Diagnostic-Code: smtp; 550 no <ann@example.com>',
      '',
    ];
    const [found] = await read(['Content-Type: message/delivery-status', '', ...group]);
    expect(found).toMatchObject({ recipient: 'ann@example.com', text: '550 no <…@…>' });
  });
});
