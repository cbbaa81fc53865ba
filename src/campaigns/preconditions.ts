import { inArray } from 'drizzle-orm';
import type { ResolvedConfig } from '../config/exm-config.ts';
import type { TrackingKeys } from '../config/keys.ts';
import type { Database } from '../db/connect.ts';
import { contactList } from '../db/schema.ts';
import { liveDispatchers } from '../dispatch/dispatchers.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import type { PreconditionFailure, PreconditionsResult } from '../domain/messages.ts';
import { checkContent } from '../message/check/check-content.ts';
import { describeFinding, limitFindings } from '../message/check/findings.ts';
import { missingFiles } from '../message/content-files.ts';
import { checkLinkTargets } from './check-link-targets.ts';
import { type CampaignRow, findCampaign } from './find-campaign.ts';
import { whyLinksFail } from './why-links-fail.ts';

export interface PreconditionOptions {
  /** Public address of content-delivery. */
  readonly baseUrl: string;
  /** Those that links are made with. */
  readonly keys: TrackingKeys;
  /** The manager root's values. */
  readonly managerRoot: Readonly<Record<string, string>>;
  readonly checkLinks: ResolvedConfig['settings']['checkLinks'];
}

type Check = (
  db: Database,
  campaign: CampaignRow,
  options: PreconditionOptions,
) => Promise<ConditionFinding[]>;

interface ConditionFinding extends PreconditionFailure {
  readonly severity: 'failure' | 'warning';
}

const failure = (condition: string, message: string): ConditionFinding => ({
  severity: 'failure',
  condition,
  message,
});
const warning = (condition: string, message: string): ConditionFinding => ({
  severity: 'warning',
  condition,
  message,
});

/** Findings about the content in an answer, which has to fit into a history and a terminal. */
const findingsMaximum = 50;

/**
 * CheckPreconditions: everything that must be so for a campaign to start, all of it looked at, so that one answer
 * names all that is missing. That no other run of the campaign is under way is Temporal's to see (one workflow id),
 * and whether the keys can be used was looked at when this process started.
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
    filesAreKept,
    dispatchersAreReady,
    linksWork,
  ];
  const findings = (await Promise.all(checks.map((check) => check(db, campaign, options)))).flat();
  const only = (severity: ConditionFinding['severity']) =>
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

/** Subjects, bodies, links, images: what is wrong with them, as when the campaign was created. */
const contentIsComplete: Check = async (_db, { definition }, { baseUrl, managerRoot, checkLinks }) => {
  const { findings, links } = await checkContent(definition, { managerRoot });
  const targets =
    checkLinks === 'off'
      ? []
      : await checkLinkTargets(links, {
          baseUrl,
          values: definition.values,
          managerRoot,
          deadLinks: checkLinks === 'refuse' ? 'error' : 'warning',
        });
  return limitFindings([...findings, ...targets], findingsMaximum).map((finding) =>
    (finding.severity === 'error' ? failure : warning)('content', describeFinding(finding)),
  );
};

/** Whoever cleans up the database may have gone too far. */
const filesAreKept: Check = async (db, { definition }) => {
  const missing = await missingFiles(db, definition);
  return missing.map(({ name }) =>
    failure('files', `the file "${name}" is no longer in the database; create the campaign anew`),
  );
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
  return ill.map(({ name, health }) => severity('dispatcher', `${name}: ${health}`));
};

/** Mail whose unsubscribe link leads nowhere must not go out. */
const linksWork: Check = async (_db, { id }, { baseUrl, keys }) => {
  const why = await whyLinksFail(baseUrl, keys, id);
  return why === undefined ? [] : [failure('links', why)];
};
