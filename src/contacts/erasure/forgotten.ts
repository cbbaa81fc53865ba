import { randomBytes } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { RefusedError } from '../../domain/errors.ts';

export interface ForgottenEntry {
  readonly at: Date;
  readonly by: string;
  readonly reason: string;
}

/** The hash under which an address stands in `forgotten`. Over the table `installation`, which has one row or none. */
export function forgottenHash(key: SQL): SQL {
  return sql`sha256(installation.salt || convert_to(${key}, 'UTF8'))`;
}

/** Makes the installation's salt where there is none yet. */
export async function ensureSalt(db: Queries): Promise<void> {
  await db.execute(sql`insert into installation (salt) values (${randomBytes(32)}) on conflict do nothing`);
}

/** When the person of this address was erased; null where nobody was, or has another address. */
export async function forgottenEntry(db: Queries, key: string): Promise<ForgottenEntry | null> {
  const { rows } = await db.execute<{ at: string; by: string; reason: string }>(sql`
    select at, by, reason from installation, forgotten where email_hash = ${forgottenHash(sql`${key}::text`)}`);
  const [found] = rows;
  return found === undefined ? null : { ...found, at: new Date(found.at) };
}

/** @throws RefusedError CONTACT_FORGOTTEN where the person of this address was erased. */
export async function refuseForgotten(
  db: Queries,
  { address, key }: { readonly address: string; readonly key: string },
  field: string,
): Promise<void> {
  const entry = await forgottenEntry(db, key);
  if (entry === null) return;
  throw new RefusedError(
    'CONTACT_FORGOTTEN',
    `The person of this address was erased on ${entry.at.toISOString().slice(0, 10)}, and is not made a contact again.`,
    {
      field,
      value: address,
      hint: 'Where they came back by themselves: --allow-forgotten.',
    },
  );
}
