import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fingerprint, generateKeys, readKeys, rotateKeys } from '../../src/config/keys.ts';
import { server } from '../../src/db/schema.ts';
import { createLogger } from '../../src/logging.ts';
import { pairsOf } from '../../src/tracking/links/token.ts';
import { KeysWatch } from '../../workers/keys-watch.ts';
import { useTestDatabase } from '../support/database.ts';
import { silentDatabase } from '../support/silent-database.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();
const log = createLogger('test');
log.level = 'silent';
const old = generateKeys();
const rotated = rotateKeys(old);
const known = (env: Record<string, string>) => pairsOf(readKeys(env)).map(fingerprint);

let watch: KeysWatch;
let health = 'ok';
beforeEach(async () => {
  await database.db.execute(sql`truncate server`);
  health = 'ok';
});
afterEach(() => watch.stop());

const enter = async (name: string, role: string, env: Record<string, string>) => {
  const readsKeys = known(env);
  await database.db
    .insert(server)
    // Nobody says again that it lives, however long the test takes.
    .values({ name, role, host: 'here', pid: 1, readsKeys, seenAt: sql`now() + interval '1 hour'` })
    .onConflictDoUpdate({ target: server.name, set: { readsKeys } });
};
const start = () => {
  watch = new KeysWatch({
    db: database.db,
    keys: readKeys(rotated),
    log,
    setHealth: async (text) => {
      health = text;
    },
  });
  expect(watch.slots(4)).toBe(0);
  watch.start();
};

describe('a dispatcher with new keys', () => {
  test('takes batches where all who answer links and read what comes back know them', async () => {
    await enter('cd', 'content-delivery', rotated);
    await enter('processing', 'processing', rotated);
    await enter('mta-2', 'dedicated-dispatch', old);
    start();
    await waitFor(() => watch.slots(4) === 4);
    expect(health).toBe('ok');
  });

  test('takes none until the last of them was restarted with them, and says for whom it waits', async () => {
    await enter('cd-1', 'content-delivery', rotated);
    await enter('cd-2', 'content-delivery', old);
    await enter('processing', 'processing', old);
    start();
    await waitFor(() => health !== 'ok');
    expect(health).toContain('not known to cd-2, processing,');
    await enter('cd-2', 'content-delivery', rotated);
    await waitFor(() => health.includes('not known to processing,'));
    expect(watch.slots(4)).toBe(0);
    let changes = 0;
    watch.onChange(() => changes++);
    await enter('processing', 'processing', rotated);
    await waitFor(() => watch.slots(4) === 4);
    expect([health, changes]).toEqual(['ok', 1]);
  });

  test('waits for nobody who is dead or has stopped, and for one that is just stopping', async () => {
    await enter('dead', 'content-delivery', old);
    await enter('stopped', 'content-delivery', old);
    await enter('stopping', 'processing', old);
    await database.db.execute(sql`
      update server set seen_at = case when name = 'dead' then now() - interval '1 minute' else now() end,
             stopped_at = case when name = 'stopped' then now() end, stopping_at = case when name = 'stopping' then now() end`);
    start();
    await waitFor(() => health.includes('not known to stopping,'));
    await database.db.execute(sql`update server set stopped_at = now() where name = 'stopping'`);
    await waitFor(() => watch.slots(4) === 4);
  });

  test('looks on where a connection to the database falls silent, and where its health cannot be written', async () => {
    const silent = await silentDatabase(database.url);
    try {
      await enter('cd', 'content-delivery', old);
      let told = '';
      watch = new KeysWatch({
        db: silent.db,
        keys: readKeys(rotated),
        log,
        setHealth: async (text) => {
          told = text;
          await new Promise(() => undefined);
        },
      });
      watch.start();
      await waitFor(() => told.includes('not known to cd,'));
      silent.fallSilent();
      await enter('cd', 'content-delivery', rotated);
      await waitFor(() => watch.slots(4) === 4, { timeoutMs: 30_000 });
      expect(told).toBe('ok');
    } finally {
      watch.stop();
      await silent.close();
    }
  });

  test('stops when somebody comes who does not know them', async () => {
    await enter('cd', 'content-delivery', rotated);
    start();
    await waitFor(() => watch.slots(4) === 4);
    await enter('cd-of-yesterday', 'content-delivery', old);
    await waitFor(() => watch.slots(4) === 0);
    await waitFor(() => health.includes('cd-of-yesterday'));
  });
});

test('a fingerprint is of the pair, and shows nothing of the keys', () => {
  const { cryptographic, authentication } = readKeys(old);
  const mark = fingerprint({ cryptographic, authentication });
  expect(mark).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprint({ cryptographic: authentication, authentication: cryptographic })).not.toBe(mark);
  expect(cryptographic.toString('hex') + authentication.toString('hex')).not.toContain(mark);
});
