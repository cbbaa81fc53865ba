import { expect, test } from 'vitest';
import { checkBounceDomain, type DomainRecords } from '../../src/cli/doctor/bounce-domain.ts';

const missing = Object.assign(new Error('none'), { code: 'ENODATA' });
const records = (mx: unknown, txt: unknown): DomainRecords => {
  const answer = async (value: unknown) => {
    if (value instanceof Error) throw value;
    return value as never;
  };
  return { mx: async () => await answer(mx), txt: async () => await answer(txt) };
};
const check = async (mx: unknown, txt: unknown) =>
  await checkBounceDomain({ EXM_BOUNCE_DOMAIN: 'bounces.example.com' }, records(mx, txt));
const host = [{ exchange: 'mx.example.com' }];

test.each([
  ['is fine where mail to it is taken and SPF is published', host, [['v=spf1 ip4:192.0.2.1 -all']], 'ok'],
  ['lacks SPF where it has other records only', host, [['hello']], 'warning'],
  ['leads nowhere without an MX record', missing, [['v=spf1 -all']], 'wrong'],
  [
    'cannot be told where the DNS does not answer',
    Object.assign(new Error(), { code: 'ETIMEOUT' }),
    missing,
    'warning',
  ],
])('the bounce domain %s', async (_, mx, txt, status) => {
  expect(await check(mx, txt)).toMatchObject([{ status, name: 'Bounce domain' }]);
});

test("a domain of this machine's own, as exm up has it, is asked of no DNS", async () => {
  const found = await checkBounceDomain(
    { EXM_BOUNCE_DOMAIN: 'bounces.localhost' },
    records(missing, missing),
  );
  expect(found).toMatchObject([{ status: 'ok' }]);
});

test('nothing is looked up where there is no bounce domain', async () => {
  expect(await checkBounceDomain({}, records(missing, missing))).toEqual([]);
});
