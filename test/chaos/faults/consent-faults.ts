import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { forgetContact } from '../../../src/contacts/erasure/forget-contact.ts';
import { importOptOuts } from '../../../src/contacts/import/import-opt-outs.ts';
import { importSuppression } from '../../../src/contacts/import/import-suppression.ts';
import { upsertContact } from '../../../src/contacts/upsert-contact.ts';
import { unsubscribe } from '../../../src/tracking/unsubscribe.ts';
import type { Random } from '../../support/random.ts';
import { listOf } from '../installation.ts';
import { audienceSizes } from '../plan-round.ts';
import type { Fault, Target, TargetCampaign } from './fault.ts';

/** Somebody to whom a campaign is being sent. */
interface Recipient {
  readonly campaignId: string;
  readonly position: number;
  readonly contactId: number;
  readonly email: string;
}

/** Ways to say "no", after which nothing may be sent to the address. @returns false where it was not said */
type SayNo = (target: Target, recipient: Recipient) => Promise<unknown>;

const fileOf = (header: string, ...rows: readonly string[]) =>
  Readable.from([`${header}\n${rows.map((row) => `${row}\n`).join('')}`]);

/** To an address that nobody has had. */
async function move({ db, people }: Target, { email }: Recipient): Promise<string> {
  const next = `m${randomUUID()}@example.com`;
  people.willMove(email, next);
  await changeAddress(db, email, next);
  people.saidNo(email);
  return next;
}

const ways: Readonly<Record<string, SayNo>> = {
  'opts out': async ({ db }, { email }) => await optOut(db, email, 'chaos'),
  unsubscribes: async ({ db }, recipient) =>
    (await unsubscribe(db, recipient, 'all', 'chaos')).result === 'unsubscribed',
  'opts out of every list': async ({ db }, { email }) => {
    for (const size of audienceSizes) await optOutOfList(db, email, listOf(size), 'chaos');
  },
  'is in a file of opt-outs': async ({ db }, { email }) =>
    await importOptOuts(db, fileOf('email,since', `${email},2020-01-01`), { reason: 'chaos' }),
  'is suppressed': async ({ db }, { email }) =>
    await importSuppression(db, fileOf('email', email), { reason: 'chaos' }),
  'is not to be marketed to': async ({ db }, { email }) =>
    await upsertContact(db, { email, doNotMarket: true }),
  'takes consent back': async ({ db }, { email }) => await upsertContact(db, { email, consentRevoked: true }),
  // What is sent to the new address is theirs; nothing more goes to the one before.
  moves: move,
  'moves, and says no by the address before': async (target, recipient) => {
    const next = await move(target, recipient);
    await optOut(target.db, recipient.email, 'chaos');
    target.people.saidNo(next);
  },
  'is erased': async ({ db, people }, { email, contactId }) => {
    people.willBeForgotten(contactId, email);
    await forgetContact(db, email, { by: 'chaos', reason: 'chaos' });
  },
};

interface Said {
  readonly way: string;
  /** Where in the queue of the campaign who says it stands, from 0 to 1. */
  readonly share: number;
}

function saidOf(random: Random): Said[] {
  return Array.from({ length: random.whole(1, 10) }, () => ({
    way: random.pick(Object.keys(ways)),
    share: random.next(),
  }));
}

const sayNo: Fault = {
  name: 'say-no',
  about: 'some recipients say no, each in a way of their own, move or are erased, while the campaign is sent',
  weight: 2,
  plan: (random) => {
    const all = saidOf(random);
    return {
      detail: all.map(({ way }) => way).join(', '),
      inject: async (target) => {
        let done = false;
        for (const [index, said] of all.entries()) {
          const campaign = target.campaigns[index % target.campaigns.length];
          if (campaign === undefined) continue;
          try {
            done = (await saysNo(target, campaign, said)) || done;
          } catch (error) {
            target.failed(`say-no: ${said.way}`, error);
          }
        }
        return done;
      },
    };
  },
};

/** @returns whether there is somebody at this share of the queue, and it was said */
async function saysNo(target: Target, { id }: TargetCampaign, { way, share }: Said): Promise<boolean> {
  const { rows } = await target.db.execute<Recipient & Record<string, unknown>>(sql`
    select campaign.id as "campaignId", q.position, contact.id::float8 as "contactId", contact.email_key as email
      from campaign
      join dispatch_queue q on q.campaign_id = campaign.id and q.position = ceil(campaign.queued * ${share}::float8)::int
      join contact on contact.id = q.contact_id
     where campaign.id = ${id}`);
  const [recipient] = rows;
  if (recipient === undefined || (await ways[way]?.(target, recipient)) === false) return false;
  target.people.saidNo(recipient.email);
  return true;
}

export const consentFaults: readonly Fault[] = [sayNo];
