import { eq } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { campaign, campaignGoal, campaignLink, campaignVariant, content } from '../../db/schema.ts';
import { letterOf } from '../../domain/ab-test.ts';
import { FailedError, InputError } from '../../domain/errors.ts';
import { canonicalJson } from '../canonical-json.ts';
import { type CampaignDefinition, contentFormat, type FrozenContent } from '../content.ts';
import { contentHash, type FreezeOptions, type FrozenResult, freezeContent } from './freeze-content.ts';

/** Links inserted by one statement. */
const linksAtOnce = 1_000;

/**
 * DeployAnalytics: the campaign's tracked links, variants and goals become rows that events refer to by number. They
 * never change: a second call writes nothing.
 *
 * @throws FailedError ANALYTICS_CHANGED where other rows are there already: events would refer to the wrong ones.
 */
export async function deployAnalytics(
  db: Database,
  campaignId: string,
  baseUrl: string,
  managerRoot?: Readonly<Record<string, string>>,
): Promise<void> {
  const { content: frozen } = await freezeCampaign(db, campaignId, { baseUrl, managerRoot });
  const links = frozen.links.map((url, number) => ({ campaignId, number, url }));
  const variants = [...new Set(frozen.bodies.map(({ variant }) => variant))].map((number) => ({
    campaignId,
    number,
    name: letterOf(number),
  }));
  const goals = frozen.goals.map((goal) => ({ campaignId, ...goal }));
  await db.transaction(async (tx) => {
    for (let at = 0; at < links.length; at += linksAtOnce) {
      await tx
        .insert(campaignLink)
        .values(links.slice(at, at + linksAtOnce))
        .onConflictDoNothing();
    }
    if (variants.length > 0) await tx.insert(campaignVariant).values(variants).onConflictDoNothing();
    if (goals.length > 0) await tx.insert(campaignGoal).values(goals).onConflictDoNothing();
    const stored = {
      links: await tx.select().from(campaignLink).where(eq(campaignLink.campaignId, campaignId)),
      goals: await tx.select().from(campaignGoal).where(eq(campaignGoal.campaignId, campaignId)),
    };
    if (sameRows(stored.links, links) && sameRows(stored.goals, goals)) return;
    throw new FailedError(
      'ANALYTICS_CHANGED',
      'The tracked links of this campaign are not those it was first started with.',
      {
        field: 'campaign id',
        value: campaignId,
        hint: 'Create the campaign anew: reports of the old one stay as they are.',
      },
    );
  });
}

function sameRows(stored: readonly object[], wanted: readonly object[]): boolean {
  const inOrder = (rows: readonly object[]) => rows.map((row) => canonicalJson(row)).sort();
  return canonicalJson(inOrder(stored)) === canonicalJson(inOrder(wanted));
}

/**
 * PublishDispatchItems: freezes the exact content to send and stores it under its hash, which the campaign points to
 * from then on. A second call gives the same hash and changes nothing, also when the manager root's values and
 * the address to unsubscribe are others by then.
 */
export async function publishDispatchItems(
  db: Database,
  campaignId: string,
  baseUrl: string,
  given: Omit<FreezeOptions, 'campaignId' | 'baseUrl'> = {},
): Promise<{ hash: string }> {
  const { body, hash } = await freezeCampaign(db, campaignId, { ...given, baseUrl });
  await db.transaction(async (tx) => {
    await tx.insert(content).values({ hash, body }).onConflictDoNothing();
    await tx.update(campaign).set({ contentHash: hash }).where(eq(campaign.id, campaignId));
  });
  return { hash };
}

/**
 * The frozen content of a hash, proven: the bytes that are read have that very hash.
 * @throws FailedError CONTENT_MISSING, CONTENT_ALTERED or CONTENT_FORMAT
 */
export async function loadContent(db: Queries, hash: string): Promise<FrozenContent> {
  const [row] = await db.select({ body: content.body }).from(content).where(eq(content.hash, hash));
  if (row === undefined) {
    throw new FailedError('CONTENT_MISSING', 'The content with this hash is not in the database.', {
      field: 'content hash',
      value: hash,
      hint: 'It is written by PublishDispatchItems; start the campaign anew.',
    });
  }
  const actual = contentHash(row.body);
  if (actual !== hash) {
    throw new FailedError(
      'CONTENT_ALTERED',
      `The content stored as ${hash} has the hash ${actual}: it was altered.`,
      {
        field: 'content hash',
        value: hash,
        hint: 'Nothing of it is sent. Find out who writes to the table "content", then create the campaign anew.',
      },
    );
  }
  const frozen = JSON.parse(row.body) as FrozenContent;
  requireKnownFormat(frozen, hash);
  return frozen;
}

function requireKnownFormat({ format = 1 }: FrozenContent, hash: string): void {
  if (format === contentFormat) return;
  throw new FailedError(
    'CONTENT_FORMAT',
    `The content was frozen by another version of this program: its format is ${format}, and this version knows ${contentFormat}.`,
    {
      field: 'content hash',
      value: hash,
      hint: 'Update this server to the version of the others.',
    },
  );
}

async function freezeCampaign(
  db: Database,
  campaignId: string,
  options: Omit<FreezeOptions, 'campaignId'>,
): Promise<FrozenResult> {
  const [row] = await db
    .select({ definition: campaign.definition, published: content.body })
    .from(campaign)
    .leftJoin(content, eq(content.hash, campaign.contentHash))
    .where(eq(campaign.id, campaignId));
  if (row === undefined) {
    throw new InputError('CAMPAIGN_UNKNOWN', 'There is no campaign with this id.', {
      field: 'campaign id',
      value: campaignId,
      hint: '"exm campaign ls" lists them.',
    });
  }
  // What has begun goes on with the values it began with.
  const begun = row.published === null ? undefined : (JSON.parse(row.published) as FrozenContent);
  const { managerRoot, unsubscribeAddress } = begun ?? options;
  return await freezeContent(row.definition as CampaignDefinition, {
    campaignId,
    baseUrl: options.baseUrl,
    managerRoot,
    unsubscribeAddress,
  });
}
