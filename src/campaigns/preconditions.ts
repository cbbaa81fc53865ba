import { inArray } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { contactList } from '../db/schema.ts';
import { liveDispatchers } from '../dispatch/dispatchers.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import { ExmError } from '../domain/errors.ts';
import type { PreconditionFailure, PreconditionsResult } from '../domain/messages.ts';
import { freezeContent } from '../message/freeze-content.ts';
import { type CampaignRow, findCampaign } from './find-campaign.ts';

export interface PreconditionOptions {
  /** Public address of content-delivery. */
  readonly baseUrl: string;
}

type Check = (db: Database, campaign: CampaignRow, options: PreconditionOptions) => Promise<Finding[]>;

interface Finding extends PreconditionFailure {
  readonly severity: 'failure' | 'warning';
}

const failure = (condition: string, message: string): Finding => ({
  severity: 'failure',
  condition,
  message,
});
const warning = (condition: string, message: string): Finding => ({
  severity: 'warning',
  condition,
  message,
});

/** How long content-delivery may take to answer, milliseconds. */
const deliveryTimeoutMs = 5_000;

/**
 * CheckPreconditions: everything that must be so for a campaign to start, all of it looked at, so that one answer
 * names all that is missing. That no other run of the campaign is under way is Temporal's to see (one workflow id),
 * and the keys were checked when this process started.
 */
export async function checkPreconditions(
  db: Database,
  campaignId: string,
  options: PreconditionOptions,
): Promise<PreconditionsResult> {
  const campaign = await findCampaign(db, campaignId);
  const checks: readonly Check[] = [
    stateAllows,
    listsExist,
    contentIsComplete,
    dispatchersAreReady,
    linksAnswer,
  ];
  const findings = (await Promise.all(checks.map((check) => check(db, campaign, options)))).flat();
  const only = (severity: Finding['severity']) =>
    findings
      .filter((finding) => finding.severity === severity)
      .map(({ condition, message }) => ({ condition, message }));
  return { failures: only('failure'), warnings: only('warning') };
}

const stateAllows: Check = async (_db, { state, subState }) => {
  if (!hasEnded(state)) return [];
  const ended = subState === 'Cancelled' ? 'was cancelled' : `is ${state}`;
  return [failure('state', `the campaign ${ended}; create a new one to send it again`)];
};

const listsExist: Check = async (db, { definition: { include, exclude } }) => {
  const names = [...new Set([...include, ...exclude])];
  if (include.length === 0) return [failure('lists', 'no list is included')];
  const found = await db
    .select({ name: contactList.name })
    .from(contactList)
    .where(inArray(contactList.name, names));
  const existing = new Set(found.map(({ name }) => name));
  return names
    .filter((name) => !existing.has(name))
    .map((name) => failure('lists', `there is no list "${name}"`));
};

/** Sender, subjects, bodies and links: freezing the content finds whatever is wrong with them. */
const contentIsComplete: Check = async (_db, { id, definition }, { baseUrl }) => {
  try {
    const { content } = await freezeContent(definition, { campaignId: id, baseUrl });
    return content.bodies
      .filter(({ subject }) => subject.trim() === '')
      .map(({ language }) => failure('subject', `the subject in ${language} is empty`));
  } catch (error) {
    if (!(error instanceof ExmError)) throw error;
    return [failure('body', error.field === undefined ? error.message : `${error.message} (${error.field})`)];
  }
};

/** Nobody alive is a warning, because a dispatcher may be started later; all of them without a mail server is not. */
const dispatchersAreReady: Check = async (db, { definition: { pool } }) => {
  const dispatchers = await liveDispatchers(db, pool);
  if (dispatchers.length === 0) {
    return [
      warning(
        'dispatcher',
        `no dispatcher of the pool "${pool}" is alive; sending begins when one is started`,
      ),
    ];
  }
  const ill = dispatchers.filter(({ health }) => health !== 'ok');
  const severity = ill.length === dispatchers.length ? failure : warning;
  return ill.map(({ name, health }) => severity('mail server', `${name}: ${health}`));
};

/** Mail whose unsubscribe link leads nowhere must not go out. */
const linksAnswer: Check = async (_db, _campaign, { baseUrl }) => {
  try {
    const response = await fetch(`${baseUrl}/healthz`, { signal: AbortSignal.timeout(deliveryTimeoutMs) });
    if (response.ok) return [];
    return [failure('links', `content-delivery at ${baseUrl} answers ${response.status}`)];
  } catch {
    return [
      failure(
        'links',
        `content-delivery does not answer at ${baseUrl} (EXM_BASE_URL); start "exm worker content-delivery"`,
      ),
    ];
  }
};
