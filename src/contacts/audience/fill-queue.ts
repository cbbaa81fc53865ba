import { type SQL, sql } from 'drizzle-orm';
import { firstFallback, type LanguageRules, longestFirst } from '../../domain/language-choice.ts';
import { withClause } from './campaign-lists.ts';
import { type Audience, countJudged, judgedAudience } from './judged-audience.ts';

/** An A/B test, as far as it concerns who gets which variant. */
export interface DealtTest {
  /** How many of all recipients get it, percent. At least one for each variant do, where there are so many. */
  readonly share: number;
  readonly variants: number;
}

/** Fills the queue and enters who is left out; its rows are for `audienceCounts`. */
export function fillQueue(campaignId: string, audience: Audience, languages: LanguageRules): SQL {
  // A DispatchManager says in which order; else that of the contacts' ids.
  const order = audience.isNamed ? sql`place` : sql`id`;
  return sql`
    ${withClause(judgedAudience(audience))},
    left_out as (${enterExclusions(campaignId)}),
    queued as (
      insert into dispatch_queue (campaign_id, position, contact_id, variant, language)
      select ${campaignId}, row_number() over (order by ${order}), id, 0, ${languageOfBody(languages)}
      from judged where reason is null
    )
    ${countJudged(audience)}`;
}

/** Why whoever is left out is so, for the one who asks later: in the order of the primary key. */
function enterExclusions(campaignId: string): SQL {
  return sql`
      insert into dispatch_exclusion (campaign_id, contact_id, reason)
      select ${campaignId}, id, reason from judged where reason is not null order by id`;
}

/**
 * Those who get the test stand first, drawn by a hash of campaign and contact, and in its order the variants are dealt
 * to them one by one. Everybody else follows in the order of the contacts' ids.
 *
 * Two sorts and no join: how many are drawn the planner cannot know, and where it takes them for few it compares each with
 * each.
 */
export function fillQueueForTest(
  campaignId: string,
  audience: Audience,
  languages: LanguageRules,
  test: DealtTest,
): SQL {
  if (audience.isNamed) return fillNamedQueueForTest(campaignId, audience, languages, test);
  const { variants } = test;
  return sql`
    ${withClause(judgedAudience(audience))},
    left_out as (${enterExclusions(campaignId)}),
    test as materialized (
      select ${sizeOf(test)}::int as size from judged where reason is null
    ),
    drawn as (
      select id, language, row_number() over (order by ${lotOf(campaignId)}, id) as place
      from judged where reason is null
    ),
    dealt as (
      select id, language, case when place <= (select size from test) then place end as place from drawn
    ),
    queued as (
      insert into dispatch_queue (campaign_id, position, contact_id, variant, language)
      select ${campaignId}, row_number() over (order by place, id), id, (place - 1) % ${variants}::int,
             ${languageOfBody(languages)}
      from dealt
    )
    select counted.*, (select size from test) as "testSize" from (${countJudged(audience)}) as counted`;
}

/**
 * The same where some have their variant from a DispatchManager: they stand at the very beginning and belong to the test,
 * beside its share of the others.
 */
function fillNamedQueueForTest(
  campaignId: string,
  audience: Audience,
  languages: LanguageRules,
  test: DealtTest,
): SQL {
  return sql`
    ${withClause(judgedAudience(audience))},
    left_out as (${enterExclusions(campaignId)}),
    test as materialized (
      select count(variant)::int as given, ${sizeOf(test, sql`filter (where variant is null)`)}::int as size
      from judged where reason is null
    ),
    drawn as (
      select id, language, variant, place as "order",
             row_number() over (partition by variant is null order by ${lotOf(campaignId)}, id) as place
      from judged where reason is null
    ),
    dealt as (
      select id, language, variant, "order",
             case when variant is null and place <= (select size from test) then place end as place
      from drawn
    ),
    queued as (
      insert into dispatch_queue (campaign_id, position, contact_id, variant, language)
      select ${campaignId}, row_number() over (order by variant is null, place, "order"), id,
             coalesce(variant, (place - 1) % ${test.variants}::int), ${languageOfBody(languages)}
      from dealt
    )
    select counted.*, (select given + size from test) as "testSize" from (${countJudged(audience)}) as counted`;
}

function sizeOf({ share, variants }: DealtTest, filter = sql``): SQL {
  const all = sql`count(*) ${filter}`;
  return sql`least(${all}, greatest(ceil(${all} * ${share}::numeric / 100), ${variants}::int))`;
}

function lotOf(campaignId: string): SQL {
  return sql`hashint8extended(id, hashtextextended(${campaignId}, 0))`;
}

/** `chooseLanguage` as SQL, over the column `language`. */
function languageOfBody({ languages, fallback = {}, defaultLanguage }: LanguageRules): SQL {
  const otherwise = sql`${defaultLanguage}::text`;
  const own = longestFirst(languages).map((body) => [body, body] as const);
  const others = longestFirst(Object.keys(fallback)).map(
    (tag) => [tag, firstFallback(fallback[tag], languages) ?? defaultLanguage] as const,
  );
  const branches = [...own, ...others].map(
    ([tag, body]) => sql`when language = ${tag} or starts_with(language, ${`${tag}-`}) then ${body}::text`,
  );
  return branches.length === 0 ? otherwise : sql`case ${sql.join(branches, sql` `)} else ${otherwise} end`;
}
