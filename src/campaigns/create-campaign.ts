import { randomInt } from 'node:crypto';
import { inArray } from 'drizzle-orm';
import { isFacetOfSomebody, someFacetNames } from '../contacts/facet-names.ts';
import type { Database, Queries } from '../db/connect.ts';
import { campaign, campaignAudit, campaignList, contactList } from '../db/schema.ts';
import { InputError } from '../domain/errors.ts';
import { checkFiles } from '../message/campaign-files.ts';
import type { CampaignDefinition, FrozenContent } from '../message/content.ts';
import { storeFiles } from '../message/content-files.ts';
import { freezeContent } from '../message/freeze-content.ts';
import { type Locate, locateByName } from '../message/locate.ts';
import { didYouMean } from '../message/nearest.ts';
import { checkRules } from '../message/rules/check-rules.ts';
import { checkTokens, contactTokens, type FacetUse, unknownToken } from '../message/tokens.ts';
import { warnOfFacetsNobodyHas } from './rule-facets.ts';

export interface CreateCampaignOptions {
  /** Where parts of the definition stand, for messages. */
  readonly locate?: Locate;
  /** Who creates it, for the audit trail. */
  readonly by?: string;
  /** Bytes of the definition's attachments and images. Those that another campaign has brought may be left out. */
  readonly files?: Iterable<Buffer>;
}

export interface CreatedCampaign {
  readonly id: string;
  /** What is allowed and yet may not be meant. */
  readonly warnings: readonly string[];
}

/** Crockford's base 32: nothing that is read as something else. */
const idCharacters = '0123456789abcdefghjkmnpqrstvwxyz';
const idTries = 5;

/**
 * Creates a campaign in state Draft. Everything is checked and compiled once before anything is stored: Liquid,
 * tokens, MJML, links, goals, lists.
 *
 * @throws InputError that says where and what is expected.
 */
export async function createCampaign(
  db: Database,
  definition: CampaignDefinition,
  { locate = locateByName, by = 'exm', files = [] }: CreateCampaignOptions = {},
): Promise<CreatedCampaign> {
  checkFiles(definition, locate);
  const facets = checkTokens(definition, locate);
  const rules = checkRules(definition, locate);
  if (rules.errors[0] !== undefined) throw rules.errors[0];
  const { content } = await freezeContent(definition, {
    campaignId: 'draft',
    baseUrl: 'https://draft.invalid',
  });
  await checkFacets(db, facets);
  const warnings = [...rules.warnings, ...(await warnOfFacetsNobodyHas(db, rules.facets))];
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
  return { id, warnings: [...warningsFor(content), ...warnings] };
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
  const ids = new Map(found.map(({ name, id }) => [name, id]));
  const rows = new Map<string, CampaignListRow>();
  for (const role of ['include', 'exclude'] as const) {
    for (const [index, name] of definition[role].entries()) {
      const listId = ids.get(name);
      if (listId === undefined) throw await unknownList(tx, name, `${locate([role, index])}: ${role}`);
      rows.set(`${role}/${listId}`, { listId, role });
    }
  }
  return [...rows.values()];
}

async function unknownList(tx: Queries, name: string, where: string): Promise<InputError> {
  const lists = await tx
    .select({ name: contactList.name })
    .from(contactList)
    .orderBy(contactList.name)
    .limit(10_000);
  const names = lists.map((list) => list.name);
  return new InputError('LIST_UNKNOWN', `${where}: there is no list "${name}".${didYouMean(name, names)}`, {
    field: where,
    value: name,
    hint:
      names.length === 0
        ? 'There are no lists yet: "exm contact import FILE --list NAME" makes one.'
        : `Lists: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', ...' : ''}.`,
  });
}

/** `contact.NAME` is a facet that some contact has; anything else is taken for a slip of the pen. */
async function checkFacets(db: Database, facets: readonly FacetUse[]): Promise<void> {
  for (const { name, where } of facets) {
    if (await isFacetOfSomebody(db, name)) continue;
    const names = [...contactTokens, ...(await someFacetNames(db))];
    throw unknownToken(['contact', name], where, didYouMean(name, names), names);
  }
}

function warningsFor({ bodies }: FrozenContent): string[] {
  return bodies
    .filter(({ html }) => !html.includes('unsubscribeUrl'))
    .map(
      ({ language }) => `The body in ${language} has no unsubscribe link; put {{ unsubscribeUrl }} into it.`,
    );
}
