import { describe, expect, it } from 'vitest';
import type { BounceClass } from '../../../src/domain/feedback.ts';
import { classifyBounce } from '../../../src/feedback/reading/classify-bounce.ts';

/** Class and code to be found, and the text of an SMTP reply. */
const replies: readonly (readonly [BounceClass, status: string, text: string])[] = [
  // By the code.
  ['hard', '5.1.1', '550 5.1.1 <ann@example.com>: Recipient address rejected'],
  ['hard', '5.1.1', '550-5.1.1 Not here\n550 5.1.1 at all'],
  ['hard', '5.1.3', '501 5.1.3 Bad recipient address syntax'],
  ['hard', '5.1.6', '550 5.1.6 Moved'],
  ['hard', '5.1.10', '556 5.1.10 Recipient address has null MX'],
  ['soft', '5.1.2', '550 5.1.2 Host unknown'],
  ['soft', '5.2.2', '552 5.2.2 Full'],
  ['soft', '5.3.2', '550 5.3.2 System not accepting network messages'],
  ['soft', '5.4.4', '550 5.4.4 Unable to route'],
  ['soft', '5.4.6', '554 5.4.6 Routing loop detected'],
  ['policy', '5.7.1', '550 5.7.1 Delivery not authorized'],
  ['policy', '5.1.8', '553 5.1.8 Domain of sender address does not exist'],
  ['policy', '5.6.7', '553 5.6.7 Address requires SMTPUTF8'],
  // Our message, not the person.
  ['policy', '5.2.3', '552 5.2.3 Message length exceeds administrative limit'],
  ['policy', '5.3.4', '552 5.3.4 Message too big for system'],
  ['policy', '', '552 Message size exceeds fixed maximum message size'],
  // A code X.7.X never says anything about the person, whatever stands behind it.
  ['policy', '5.7.1', '550 5.7.1 No such user'],
  ['policy', '5.7.17', '550 5.7.17 Mailbox owner has changed'],
  ['policy', '5.7.13', '525 5.7.13 User account disabled'],
  ['policy', '4.7.1', '450 4.7.1 User unknown'],
  // For now is never for good.
  ['soft', '4.1.1', '450 4.1.1 User unknown'],
  ['soft', '', '450 User unknown'],
  ['soft', '4.2.2', '452 4.2.2 Mailbox full'],
  ['policy', '4.7.28', '421 4.7.28 Our system has detected an unusual rate of mail from you'],
  ['policy', '', '451 Greylisted, please try again in five minutes'],
  ['policy', '4.2.0', '450 4.2.0 <ann@example.com>: Recipient address rejected: Greylisted'],
  // By words, where the code is missing or says nothing.
  ['soft', '', '550'],
  ['soft', '', ''],
  ['soft', '', '550 Requested action not taken: mailbox unavailable'],
  ['soft', '5.0.0', '550 5.0.0 Refused'],
  ['hard', '', '550 No such user here'],
  ['hard', '', '550 Unknown user'],
  ['hard', '', '550 User not found: ann@example.com'],
  ['hard', '', '553 sorry, no mailbox here by that name'],
  ['hard', '', '550 <ann@example.com> does not exist: user unknown'],
  ['hard', '5.1.0', '550 5.1.0 <ann@example.com> User unknown'],
  ['hard', '', '550 Unbekannter Empfänger'],
  ['hard', '', '550 Utilisateur inconnu'],
  ['hard', '', '550 Нет такого пользователя'],
  ['hard', '', '550 用户不存在'],
  ['soft', '', '550 Mailbox quota exceeded'],
  ['soft', '5.1.1', '550 5.1.1 Mailbox is full'],
  ['policy', '5.1.1', '550 5.1.1 Your message looks like spam'],
  ['policy', '', '554 Your IP 192.0.2.1 is on our blacklist'],
  ['policy', '', '550 DMARC policy of the domain'],
  ['policy', '', '550 Relaying denied'],
  ['policy', '', '550 Sender verify failed'],
  // About whoever sends, not whoever should get it.
  ['soft', '', '550 unknown user in MAIL FROM'],
  ['soft', '', '550 Your address: user unknown'],
  // Who guesses does not know.
  ['soft', '', '550 Mailbox not found, or it may be closed to you'],
  ['soft', '', '550 Unknown user (in reply to end of DATA command)'],
  // Words within addresses and links are none.
  ['soft', '', '550 <no.such.user@example.com>: rejected'],
  ['soft', '', '550 see https://example.com/user-unknown'],
  ['hard', '', '550 <spam@example.com>: user unknown'],
  ['hard', '5.1.1', '550 5.1.1 https://example.com/spam-and-policy'],
  // 5.2.1: closed for good, or for now.
  ['hard', '5.2.1', '550 5.2.1 The email account that you tried to reach is disabled'],
  ['hard', '5.2.1', '550 5.2.1 Mailbox deactivated'],
  ['soft', '5.2.1', '550 5.2.1 Mailbox temporarily disabled'],
  ['soft', '5.2.1', '550 5.2.1 Not now'],
  ['hard', '5.2.1', '550 5.2.1 This mailbox has been blocked due to inactivity'],
  // Microsoft.
  ['hard', '5.4.1', '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [XX.example]'],
  ['soft', '5.4.1', '550 5.4.1 Recipient address rejected: Access denied [XX.example]'],
  ['hard', '5.5.0', '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)'],
  ['soft', '5.5.0', '550 5.5.0 Requested action not taken: mailbox unavailable'],
  ['hard', '5.1.10', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'],
  ['policy', '5.1.90', '550 5.1.90 Your daily limit was reached'],
  ['policy', '5.7.606', '550 5.7.606 Access denied, banned sending IP [192.0.2.1]'],
  [
    'hard',
    '5.1.351',
    '550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 User unknown',
  ],
  ['soft', '5.1.351', '550 5.1.351 Remote server returned unknown recipient or mailbox unavailable'],
  // Others.
  ['soft', '5.1.0', '550 #5.1.0 Address rejected.'],
  ['policy', '', '554 DT:SPM 163 mx1,abc'],
  ['policy', '', '421 RP:TRC 163 mx1,abc'],
  ['soft', '5.1.1', '552 5.1.1 Boite du destinataire pleine. OFR_417 [417]'],
  ['hard', '5.1.1', "Remote host said: 550 sorry, it isn't here (#5.1.1)"],
];

describe('classifyBounce', () => {
  it.each(replies)('says %s, by %j, of: %s', (meant, status, text) => {
    expect(classifyBounce({ text })).toEqual({ class: meant, status });
  });

  it('takes the more telling code where a report and a reply have one each', () => {
    expect(classifyBounce({ status: '5.0.0', text: '550 5.1.1 gone' })).toEqual({
      class: 'hard',
      status: '5.1.1',
    });
    expect(classifyBounce({ status: '5.0.0', text: '554 5.6.0 no' })).toEqual({
      class: 'policy',
      status: '5.6.0',
    });
    expect(classifyBounce({ status: '5.1.1', text: '550 5.7.1 no such user' })).toEqual({
      class: 'policy',
      status: '5.7.1',
    });
    expect(classifyBounce({ status: '4.4.7', text: '550 5.1.1 no such user' }).class).toBe('soft');
  });

  it('takes the 5.1.1 that a report makes of a bare 550 for a guess', () => {
    expect(classifyBounce({ status: '5.1.1', text: '550 mailbox unavailable' }).class).toBe('soft');
    expect(classifyBounce({ status: '5.1.1', text: '550 user unknown' }).class).toBe('hard');
    expect(classifyBounce({ status: '5.1.1', text: 'unrouteable' }).class).toBe('hard');
  });

  it.each(['5', '5.1', '5.1.1.1', '5.1111.1', '9.1.1', 'ok', '', ' '])(
    'does not read %j as a code',
    (status) => {
      expect(classifyBounce({ status, text: '' })).toEqual({ class: 'soft', status: '' });
    },
  );

  it('does not take an IP address or a version for a code', () => {
    expect(classifyBounce({ text: '550 rejected 5.1.1.1 by version 5.1.1 of a program' }).status).toBe('');
  });

  it('is not slowed down by any text', () => {
    const texts = ['user ', '550 5.1.1 ', 'a@', '<', 'mailbox is ', 'no such ', '5.', 'x'].map((part) =>
      part.repeat(200_000),
    );
    const before = process.cpuUsage();
    for (const text of texts) classifyBounce({ text });
    const { user } = process.cpuUsage(before);
    expect(user / 1_000).toBeLessThan(1_000);
  });
});
