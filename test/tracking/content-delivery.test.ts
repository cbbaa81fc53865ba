import { beforeAll, describe, expect, test } from 'vitest';
import { generateKeys } from '../../src/config/keys.ts';
import { readSettings } from '../../src/config/settings.ts';
import { InputError } from '../../src/domain/errors.ts';
import { startContentDelivery } from '../../workers/content-delivery.ts';
import type { RoleContext } from '../../workers/runtime.ts';
import { useTestDatabase } from '../support/database.ts';
import { log } from './fixtures.ts';

const database = useTestDatabase();
let context: RoleContext;
beforeAll(async () => {
  const env = {
    DATABASE_URL: database.url,
    EXM_BASE_URL: 'https://mail.example.com/news/',
    ...generateKeys(),
  };
  const stop = new AbortController().signal;
  context = { name: 'cd1', env, settings: readSettings(env), db: database.db, log, stop };
});

describe('the role content-delivery', () => {
  test('answers at the address it names, until it is stopped', async () => {
    const role = await startContentDelivery(context, { host: '127.0.0.1', port: 0 });
    expect(role.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    for (const path of ['/healthz', '/news/healthz']) {
      const response = await fetch(role.address + path);
      expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
    }
    await role.stop();
    await role.done;
    await expect(fetch(`${role.address}/healthz`)).rejects.toThrow();
  });

  test('says so where its port is taken', async () => {
    const role = await startContentDelivery(context, { host: '127.0.0.1', port: 0 });
    const port = Number(new URL(role.address).port);
    const second = startContentDelivery(context, { host: '127.0.0.1', port });
    await expect(second).rejects.toBeInstanceOf(InputError);
    await expect(second).rejects.toMatchObject({ code: 'LISTEN_FAILED', value: `127.0.0.1:${port}` });
    await role.stop();
  });
});
