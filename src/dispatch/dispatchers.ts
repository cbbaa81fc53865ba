import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { isAlive } from '../db/server-presence.ts';
import type { Capacity } from '../domain/dispatch.ts';

/** Longer than a dispatcher takes to be stopped and started again. */
const restartMaximum = '60 seconds';

/** One living dispatcher of a pool. */
export interface LiveDispatcher {
  readonly name: string;
  readonly threads: number;
  /** `ok`, or what is wrong with it. */
  readonly health: string;
  /** Campaigns that it cannot send, and why. */
  readonly unready: Readonly<Record<string, string>>;
}

/** The dispatchers of a pool that were heard of lately and take work. */
export async function liveDispatchers(db: Queries, pool: string): Promise<LiveDispatcher[]> {
  return await dispatchersThat(db, pool, isAlive);
}

/** As `liveDispatchers`, and those that were heard of in the last minute: one that is restarted will be back. */
export async function recentDispatchers(db: Queries, pool: string): Promise<LiveDispatcher[]> {
  return await dispatchersThat(db, pool, sql`(${isAlive} or seen_at > now() - ${restartMaximum}::interval)`);
}

async function dispatchersThat(db: Queries, pool: string, condition: SQL): Promise<LiveDispatcher[]> {
  const { rows } = await db.execute<LiveDispatcher & Record<string, unknown>>(sql`
    select name, threads, health, unready from server
     where pool = ${pool} and threads > 0 and ${condition}
     order by name`);
  return rows.map(({ name, threads, health, unready }) => ({ name, threads, health, unready }));
}

/** What those of them can do together that can send a campaign. */
export function capacityOf(dispatchers: readonly LiveDispatcher[], campaignId: string): Capacity {
  const ready = dispatchers.filter((one) => whyUnready(one, campaignId) === undefined);
  return { slots: ready.reduce((sum, { threads }) => sum + threads, 0), hosts: ready.length };
}

/** Why none of these dispatchers can send now, its mail server being away or whatever else; null where one can. */
export function whyNoneSends(
  dispatchers: readonly LiveDispatcher[],
  pool: string,
  campaignId?: string,
): string | null {
  const each = dispatchers.map((one) => ({
    name: one.name,
    why: one.health === 'ok' ? whyUnready(one, campaignId) : one.health,
  }));
  if (each.length === 0 || each.some(({ why }) => why === undefined)) return null;
  return `no dispatcher of the pool "${pool}" can send at the moment. ${inOneLine(each)}`;
}

/** Why none of these dispatchers can send this very campaign, their mail servers aside; null where one can, or none is there. */
export function whyNoneIsReady(dispatchers: readonly LiveDispatcher[], campaignId: string): string | null {
  const unready = unreadyFor(dispatchers, campaignId);
  return unready.length === 0 || unready.length < dispatchers.length ? null : inOneLine(unready);
}

/** Those of the dispatchers that cannot send a campaign, and why. */
export function unreadyFor(
  dispatchers: readonly LiveDispatcher[],
  campaignId: string,
): { readonly name: string; readonly why: string }[] {
  return dispatchers.flatMap((one) => {
    const why = whyUnready(one, campaignId);
    return why === undefined ? [] : [{ name: one.name, why }];
  });
}

function whyUnready({ unready }: LiveDispatcher, campaignId: string | undefined): string | undefined {
  return campaignId === undefined ? undefined : unready[campaignId];
}

function inOneLine(each: readonly { readonly name: string; readonly why: string | undefined }[]): string {
  return each.map(({ name, why }) => `${name}: ${why}`).join('; ');
}
