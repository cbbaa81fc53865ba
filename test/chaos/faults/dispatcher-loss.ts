import { eq } from 'drizzle-orm';
import { server } from '../../../src/db/schema.ts';
import { repeatsOfLostDispatcher } from './bounds.ts';
import type { Target } from './fault.ts';

/** A dispatcher is lost with all that it had not recorded. */
export async function excuseLost(target: Target, dispatchers: readonly string[], how: string): Promise<void> {
  for (const name of dispatchers) {
    target.excuse(repeatsOfLostDispatcher(await sleepOf(target, name)), `${name} ${how}`);
  }
}

/** As the books have it. Where they cannot be read now, it may have been none. */
async function sleepOf({ db }: Target, name: string): Promise<number> {
  const query = db.select({ sleepMs: server.sleepMs }).from(server).where(eq(server.name, name));
  const late = new Promise<never>((_, reject) => setTimeout(reject, 500).unref());
  const rows = await Promise.race([query, late]).catch(() => []);
  return rows[0]?.sleepMs ?? 0;
}
