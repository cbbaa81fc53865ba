import { eq } from 'drizzle-orm';
import { findCampaign } from '../../campaigns/find-campaign.ts';
import { givenAddress } from '../../contacts/addresses/given-address.ts';
import { judgeAddress, judgeContact } from '../../contacts/audience/audience.ts';
import type { ExclusionSettings } from '../../contacts/audience/exclusion.ts';
import type { DispatchManager } from '../../contacts/audience/managed/dispatch-manager.ts';
import type { Database, Queries } from '../../db/connect.ts';
import { contact } from '../../db/schema.ts';
import { inSnapshot } from '../../db/snapshot.ts';
import { hasEnded } from '../../domain/campaign-state.ts';
import { deferralAt, leftOutFor, outcomeAt, queueEntry } from './entries.ts';
import { eventsOf, testsTo } from './events.ts';
import { listsOfCampaign, withDetails } from './exclusions.ts';
import type { RecipientAnswer, RecipientReport } from './recipient-report.ts';
import { queuedAt, waitingFor } from './waiting.ts';

/**
 * Why an address did or did not get a campaign, as of one moment, by the rules of queueing and sending themselves.
 * @param manager the installation's, where it has one: it says who gets what is not queued yet, and what it overrules
 * @throws InputError CAMPAIGN_UNKNOWN, ADDRESS_WRONG
 */
export async function recipientReport(
  db: Database,
  campaignId: string,
  email: string,
  settings: ExclusionSettings,
  manager?: Pick<DispatchManager, 'overrules'>,
): Promise<RecipientReport> {
  const { address, key } = givenAddress(email);
  return await inSnapshot(
    db,
    async (snapshot) => await readReport(snapshot, { campaignId, address, key, settings, manager }),
  );
}

interface Asked {
  readonly campaignId: string;
  readonly address: string;
  readonly key: string;
  readonly settings: ExclusionSettings;
  readonly manager: Pick<DispatchManager, 'overrules'> | undefined;
}

async function readReport(
  db: Queries,
  { campaignId, address, key, settings: configured, manager }: Asked,
): Promise<RecipientReport> {
  const campaign = await findCampaign(db, campaignId);
  const isManaged = manager !== undefined && campaign.queued === null && !hasEnded(campaign.state);
  const overruled = isManaged ? (manager.overrules ?? []) : campaign.overruled;
  const settings = { ...configured, overruled };
  const [person] = await db.select().from(contact).where(eq(contact.emailKey, key));
  const contactId = person?.id;
  const lists = await listsOfCampaign(db, campaignId, { key, contactId });
  const queue = contactId === undefined ? null : await queueEntry(db, campaignId, contactId);
  const { isIncluded, reasons } =
    contactId === undefined
      ? { isIncluded: false, reasons: await judgeAddress(db, key, settings) }
      : await judgeContact(db, campaignId, contactId, settings, queue !== null);
  const leftOut = contactId === undefined ? null : await leftOutFor(db, campaignId, contactId);
  const outcome = queue === null ? null : await outcomeAt(db, campaignId, queue.position);
  const deferral = queue === null ? null : await deferralAt(db, campaignId, queue.position);
  const waits = queue !== null && outcome === null && !hasEnded(campaign.state);
  const { id, name, state, subState, reason, queued } = campaign;
  return {
    answer: outcome?.kind ?? (queue === null ? whyNotQueued() : waits ? 'waiting' : 'no-outcome'),
    email: person?.email ?? address,
    campaign: {
      id,
      name,
      state,
      subState,
      reason,
      queued,
      queuedAt: queued === null ? null : await queuedAt(db, campaignId),
    },
    contact: person === undefined ? null : contactEntry(person),
    isManaged,
    overruled,
    lists,
    leftOut,
    exclusions: await withDetails(db, reasons, {
      key,
      lists,
      bounceCount: person?.bounceCount ?? 0,
      settings,
    }),
    queue,
    outcome,
    deferral,
    waitingFor: waits ? await waitingFor(db, campaign, queue.position, deferral?.dueAt) : [],
    ...(await eventsOf(db, campaignId, contactId)),
    tests: await testsTo(db, campaignId, key),
  };

  function whyNotQueued(): RecipientAnswer {
    if (contactId === undefined) return 'no-contact';
    if (leftOut !== null) return 'not-queued';
    if (!isIncluded && !isManaged) return 'on-no-list';
    return campaign.queued === null ? 'nobody-queued' : 'not-queued';
  }
}

function contactEntry({
  id,
  email,
  language,
  createdAt,
}: typeof contact.$inferSelect): RecipientReport['contact'] {
  return { id, email, language, createdAt: createdAt.toISOString() };
}
