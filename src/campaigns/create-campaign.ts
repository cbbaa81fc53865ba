import { randomInt } from 'node:crypto';
import { inArray } from 'drizzle-orm';
import type { Database, Queries } from '../db/connect.ts';
import { campaign, campaignAudit, campaignList, contactList } from '../db/schema.ts';
import { InputError } from '../domain/errors.ts';
import type { CheckOptions } from '../message/check/check-content.ts';
import { type Finding, FindingsError, isError } from '../message/check/findings.ts';
import type { CampaignDefinition } from '../message/content.ts';
import { storeFiles } from '../message/content-files.ts';
import { type Locate, locateByName } from '../message/locate.ts';
import { checkCampaign, checkLists } from './check-campaign.ts';
import { withFacetTypes } from './rule-facets.ts';

export interface CreateCampaignOptions extends CheckOptions {
  /** Who creates it, for the audit trail. */
  readonly by?: string;
  /** Bytes of the definition's attachments and images. Those that another campaign has brought may be left out. */
  readonly files?: Iterable<Buffer>;
}

export interface CreatedCampaign {
  readonly id: string;
  /** What is allowed and yet may not be meant. */
  readonly warnings: readonly Finding[];
}

/** Crockford's base 32: nothing that is read as something else. */
const idCharacters = '0123456789abcdefghjkmnpqrstvwxyz';
const idTries = 5;

/**
 * Creates a campaign in state Draft. Everything is checked and compiled once before anything is stored: Liquid,
 * tokens, MJML, links, images, goals, lists.
 *
 * @throws FindingsError that says everything that is wrong, and where.
 */
export async function createCampaign(
  db: Database,
  given: CampaignDefinition,
  { by = 'exm', files = [], ...options }: CreateCampaignOptions = {},
): Promise<CreatedCampaign> {
  const definition = await withFacetTypes(db, given);
  const { findings } = await checkCampaign(db, definition, options);
  if (findings.some(isError)) throw new FindingsError(findings);
  const { locate = locateByName } = options;
  const id = await db.transaction(async (tx) => {
    const lists = await findLists(tx, definition, locate);
    await storeFiles(tx, definition, files);
    const created = await insertCampaign(tx, definition);
    await tx.insert(campaignList).values(lists.map((list) => ({ ...list, campaignId: created })));
    await tx
      .insert(campaignAudit)
      .values({ campaignId: created, actor: by, what: 'state', to: 'Draft', why: 'created' });
    return created;
  });
  return { id, warnings: findings };
}

/** A readable id that nobody guesses at: `autumn-7k3f`. */
function newCampaignId(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  const random = Array.from({ length: 4 }, () => idCharacters[randomInt(idCharacters.length)]).join('');
  return `${slug || 'campaign'}-${random}`;
}

async function insertCampaign(tx: Queries, definition: CampaignDefinition): Promise<string> {
  for (let attempt = 0; attempt < idTries; attempt++) {
    const id = newCampaignId(definition.name);
    const inserted = await tx
      .insert(campaign)
      .values({ id, name: definition.name, definition })
      .onConflictDoNothing()
      .returning({ id: campaign.id });
    if (inserted.length > 0) return id;
  }
  throw new InputError('CAMPAIGN_ID', 'No free id was found for this name.', {
    field: 'name',
    value: definition.name,
    hint: 'Many campaigns have this very name; choose another.',
  });
}

interface CampaignListRow {
  readonly listId: number;
  readonly role: 'include' | 'exclude';
}

async function findLists(
  tx: Queries,
  definition: CampaignDefinition,
  locate: Locate,
): Promise<CampaignListRow[]> {
  const names = [...new Set([...definition.include, ...definition.exclude])];
  const found = await tx.select().from(contactList).where(inArray(contactList.name, names));
  // One may have been removed a moment ago.
  if (found.length < names.length) throw new FindingsError(await checkLists(tx, definition, locate));
  const ids = new Map(found.map(({ name, id }) => [name, id]));
  const rows = new Map<string, CampaignListRow>();
  for (const role of ['include', 'exclude'] as const) {
    for (const name of definition[role]) {
      const listId = ids.get(name) ?? 0;
      rows.set(`${role}/${listId}`, { listId, role });
    }
  }
  return [...rows.values()];
}
