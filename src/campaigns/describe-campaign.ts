import { sql } from 'drizzle-orm';
import { readLists } from '../contacts/audience/campaign-lists.ts';
import { segmentMembers } from '../contacts/segments/segment-members.ts';
import type { Queries } from '../db/connect.ts';
import { letterOf, type WinnerMeasure } from '../domain/ab-test.ts';
import type { CampaignState, SubState } from '../domain/campaign-state.ts';
import { InputError } from '../domain/errors.ts';
import { allBodies } from '../message/all-bodies.ts';
import type {
  ComponentRule,
  Delivery,
  EmbeddedImage,
  Emulation,
  FileReference,
  Mailbox,
} from '../message/content.ts';
import { type CurrentContent, currentContent } from '../message/freeze/current-content.ts';
import type { FreezeOptions } from '../message/freeze/freeze-content.ts';
import { type PersonalisationMode, personalisationOf } from '../message/render/personalisation.ts';
import { type CampaignRow, findCampaign } from './find-campaign.ts';

/** What a campaign is, as `exm campaign show` prints it. */
export interface CampaignDescription {
  readonly id: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly from: Mailbox;
  readonly replyTo: Mailbox | null;
  readonly lists: readonly {
    readonly name: string;
    readonly role: 'include' | 'exclude';
    /** As of now; null where a segment's condition cannot be asked any more. */
    readonly members: number | null;
  }[];
  readonly languages: readonly string[];
  readonly defaultLanguage: string;
  readonly fallback: Readonly<Record<string, readonly string[]>>;
  readonly test: {
    /** Percent of the recipients. */
    readonly share: number;
    readonly winnerBy: WinnerMeasure | 'hand';
    readonly afterMs: number | null;
    /** Letter of the winner; null until it is chosen. */
    readonly winner: string | null;
  } | null;
  readonly bodies: readonly BodyDescription[];
  readonly rules: Readonly<Record<string, readonly ComponentRule[]>>;
  readonly links: readonly {
    readonly number: number;
    readonly url: string;
    readonly goals: readonly string[];
  }[];
  readonly goals: readonly { readonly name: string; readonly link: number; readonly value: number }[];
  readonly attachments: readonly FileReference[];
  readonly embedded: readonly EmbeddedImage[];
  /** Image files that content-delivery serves. */
  readonly hosted: readonly FileReference[];
  readonly values: Readonly<Record<string, string>>;
  readonly managerRoot: Readonly<Record<string, string>>;
  readonly pool: string;
  readonly delivery: Delivery;
  readonly emulation: Emulation | null;
  readonly testTo: readonly string[];
  readonly notify: { readonly mail?: string | undefined; readonly webhook?: string | undefined };
  /** Frozen or not, the hash of what is shown here. */
  readonly content: { readonly hash: string; readonly isFrozen: boolean };
}

export interface BodyDescription {
  /** A letter; null where there is no A/B test. */
  readonly variant: string | null;
  readonly language: string;
  /** Null: the campaign's. */
  readonly from: Mailbox | null;
  /** Liquid. */
  readonly subject: string;
  readonly template: string;
  readonly mode: PersonalisationMode;
  /** The tags for which it is rendered for each recipient. */
  readonly because: readonly { readonly tag: string; readonly on: string; readonly where: string }[];
  /** Bytes in UTF-8 before tokens are filled in. */
  readonly htmlBytes: number;
  readonly textBytes: number;
}

/** @throws InputError CAMPAIGN_UNKNOWN; as `freezeContent` where the campaign cannot be frozen */
export async function describeCampaign(
  db: Queries,
  campaignId: string,
  options: Omit<FreezeOptions, 'campaignId'>,
): Promise<CampaignDescription> {
  const row = await findCampaign(db, campaignId);
  const current = await currentContent(db, row, options);
  const { definition } = row;
  const { content, hash, isFrozen } = current;
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    subState: row.subState,
    from: content.from,
    replyTo: content.replyTo ?? null,
    lists: await listsOfCampaign(db, campaignId),
    languages: Object.keys(definition.bodies).sort(),
    defaultLanguage: content.defaultLanguage,
    fallback: content.fallback ?? {},
    test: describeTest(row),
    bodies: describeBodies(row, current),
    rules: content.rules ?? {},
    links: content.links.map((url, number) => ({
      number,
      url,
      goals: content.goals.filter(({ link }) => link === number).map(({ name }) => name),
    })),
    goals: content.goals,
    attachments: content.attachments ?? [],
    embedded: content.embedded ?? [],
    hosted: definition.embedImages === true ? [] : Object.values(definition.images ?? {}),
    values: content.values,
    managerRoot: content.managerRoot ?? {},
    pool: definition.pool,
    delivery: content.delivery ?? 'at-least-once',
    emulation: content.emulation ?? null,
    testTo: definition.testTo,
    notify: definition.notify,
    content: { hash, isFrozen },
  };
}

async function listsOfCampaign(db: Queries, campaignId: string): Promise<CampaignDescription['lists']> {
  const { included, excluded } = await readLists(db, campaignId);
  const inRoles = [
    ...included.all.map((list) => ({ role: 'include' as const, ...list })),
    ...excluded.all.map((list) => ({ role: 'exclude' as const, ...list })),
  ];
  const lists: CampaignDescription['lists'][number][] = [];
  for (const { role, name, id, expression } of inRoles)
    lists.push({ name, role, members: await countMembers(db, id, expression) });
  return lists.sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function countMembers(db: Queries, listId: number, expression: string | null): Promise<number | null> {
  try {
    const members =
      expression === null
        ? sql`select contact_id from list_member where list_id = ${listId}`
        : segmentMembers(expression);
    const { rows } = await db.execute<{ members: number }>(
      sql`select count(*)::int as members from (${members}) member`,
    );
    return rows[0]?.members ?? 0;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function describeTest({ definition: { test }, winner }: CampaignRow): CampaignDescription['test'] {
  if (test === undefined) return null;
  const { by } = test.winner;
  return {
    share: test.share,
    winnerBy: by,
    afterMs: test.winner.by === 'hand' ? null : test.winner.afterMs,
    winner: winner === null ? null : letterOf(winner),
  };
}

function describeBodies({ definition }: CampaignRow, { content }: CurrentContent): BodyDescription[] {
  return allBodies(definition).map(({ variant, letter, language, from, body }) => {
    const frozen = content.bodies.find((one) => one.variant === variant && one.language === language);
    const { subject, template, text = '', textFile = 'text' } = body;
    // The tags are those of the frozen body; a person finds them in the template.
    const { causes } = personalisationOf({ subject, html: template.source, text }, content.rules);
    const files = { subject: 'subject', html: template.file, text: textFile };
    return {
      variant: letter ?? null,
      language,
      from: from ?? null,
      subject,
      template: template.file,
      mode: frozen === undefined ? 'token-replacement' : personalisationOf(frozen, content.rules).mode,
      because: causes.map(({ part, tag, on, line, column }) => ({
        tag,
        on,
        where: `${files[part]}:${line}:${column}`,
      })),
      htmlBytes: Buffer.byteLength(frozen?.html ?? ''),
      textBytes: Buffer.byteLength(frozen?.text ?? ''),
    };
  });
}
