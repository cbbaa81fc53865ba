import { expect, test } from 'vitest';
import { answeredReasons, bounceOf } from '../../src/dispatch/bounce-of.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { emulatedRefusal } from '../../src/smtp/emulation.ts';

const { refused, putOff } = answeredReasons;
const failed = (reason: string, reply?: string): Outcome => ({
  kind: 'failed',
  reason,
  ...(reply === undefined ? {} : { reply }),
});

test.each([
  ['refused for good', failed(refused, '550 5.1.1 <ann@b.example>: no such user'), 'hard', '5.1.1'],
  ['refused for policy', failed(refused, '554 5.7.1 blocked'), 'policy', '5.7.1'],
  ['put off until nobody tried any more', failed(putOff, '450 4.2.0 greylisted'), 'soft', '4.2.0'],
  ['put off for good reason', failed(putOff, '450 4.1.1 no such user'), 'soft', '4.1.1'],
])('what was %s is a bounce, without any address', (_, outcome, kind, status) => {
  expect(bounceOf(outcome)).toMatchObject({ class: kind, status, by: 'smtp-reply' });
  expect(bounceOf(outcome)?.text).not.toContain('ann@');
});

test.each([
  ['was sent', { kind: 'sent', reply: '250 ok', messageId: '<1@x>' } as const],
  ['no mail server was asked about', failed('the message is larger than the mail server takes (SIZE 10)')],
  ['a step of our own failed', failed('no consent', '550 5.1.1 made up')],
  ['was put off because connections broke', failed(putOff, 'connection lost')],
  ['is emulated', failed(refused, emulatedRefusal)],
  ['is in doubt', { kind: 'in_doubt', reason: 'no answer' } as const],
])('what %s is none', (_, outcome) => {
  expect(bounceOf(outcome)).toBeUndefined();
});
