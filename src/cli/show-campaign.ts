import type { BodyDescription, CampaignDescription } from '../campaigns/describe-campaign.ts';
import { measuresInWords } from '../domain/ab-test.ts';
import { stateInWords } from '../domain/campaign-state.ts';
import type { Mailbox } from '../message/content.ts';
import { count, duration } from '../reporting/pages/format.ts';
import { factLines } from './fact-lines.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';
import { wrap } from './wrap.ts';

/** Of a subject, a rule or a link, where nothing else cuts it. */
const textMaximum = 1_000;
/** Of a value of the campaign. */
const valueMaximum = 60;

/** What a campaign is, for a person. */
export function campaignText(campaign: CampaignDescription): string {
  const parts = [
    `${printable(campaign.name)} (${campaign.id}) is ${stateInWords(campaign)}`,
    facts(campaign),
    bodiesTable(campaign.bodies),
    causesText(campaign.bodies),
    rulesText(campaign.rules),
    linksTable(campaign),
    filesTable(campaign),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function facts(campaign: CampaignDescription): string {
  const { test, emulation, notify, content } = campaign;
  return factLines(
    [
      ['from', mailbox(campaign.from)],
      ...campaign.bodies
        .filter(
          ({ from }, index, all) => from !== null && all.findIndex((one) => one.from === from) === index,
        )
        .map(({ variant, from }) => [`from ${variant}`, from && mailbox(from)] as const),
      ['reply to', campaign.replyTo && mailbox(campaign.replyTo)],
      ['goes to', listsText(campaign, 'include')],
      ['leaves out', listsText(campaign, 'exclude')],
      ['languages', languagesText(campaign)],
      ['A/B test', test && testText(campaign, test)],
      ['values', valuesText(campaign.values)],
      ['manager root', valuesText(campaign.managerRoot)],
      [
        'goals',
        campaign.goals.map(({ name, value, link }) => `${name}, worth ${value}, by link ${link}`).join('; '),
      ],
      ['pool', campaign.pool],
      ['delivery', campaign.delivery.replaceAll('-', ' ')],
      [
        'emulation',
        emulation &&
          `nothing leaves by SMTP; ${emulation.minimumMs} to ${emulation.maximumMs} ms a message, ${emulation.failureProbability * 100} % fail`,
      ],
      ['test to', campaign.testTo.join(', ')],
      ['tells', [notify.mail, notify.webhook].filter((one) => one !== undefined).join(', ')],
      [
        'content',
        content.isFrozen ? `frozen as ${content.hash}` : 'not frozen yet: shown as it would be frozen now',
      ],
    ],
    textMaximum,
  );
}

function valuesText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${printable(value, valueMaximum)}`)
    .join('; ');
}

function mailbox({ name, address }: Mailbox): string {
  return name === '' ? address : `${name} <${address}>`;
}

function listsText({ lists }: CampaignDescription, role: 'include' | 'exclude'): string {
  return lists
    .filter((list) => list.role === role)
    .map(({ name, members }) =>
      members === null
        ? `${name} (a segment of which nobody can tell any more who is in it)`
        : `${name} (${count(members)} ${members === 1 ? 'person' : 'people'})`,
    )
    .join(', ');
}

function languagesText({ languages, defaultLanguage, fallback }: CampaignDescription): string {
  const all = languages.map((tag) => (tag === defaultLanguage ? `${tag} (default)` : tag)).join(', ');
  const others = Object.entries(fallback).map(([tag, to]) => `${tag} falls back on ${to.join(', then ')}`);
  return [all, ...others].join('; ');
}

function testText({ bodies }: CampaignDescription, test: NonNullable<CampaignDescription['test']>): string {
  const letters = [...new Set(bodies.map(({ variant }) => variant))].join(', ');
  if (test.share === 100) return `variants ${letters} to all recipients, so that nobody waits for a winner`;
  const by =
    test.winnerBy === 'hand'
      ? 'the winner is chosen by hand'
      : `the winner by ${measuresInWords[test.winnerBy]} after ${duration((test.afterMs ?? 0) / 1_000)}`;
  return `variants ${letters} to ${test.share} % of the recipients; ${test.winner === null ? by : `${test.winner} has won`}`;
}

function bodiesTable(bodies: readonly BodyDescription[]): string {
  const hasVariants = bodies.some(({ variant }) => variant !== null);
  const rows = bodies.map((body) => [
    ...(hasVariants ? [body.variant ?? ''] : []),
    body.language,
    body.mode,
    kilobytes(body.htmlBytes),
    kilobytes(body.textBytes),
    printable(body.subject),
  ]);
  return table(rows, [
    ...(hasVariants ? ['variant'] : []),
    'body',
    'filled in by',
    'HTML',
    'text',
    'subject',
  ]);
}

/** Each tag once, however many bodies share a template. */
function causesText(bodies: readonly BodyDescription[]): string {
  const causes = new Set(
    bodies.flatMap(({ because }) =>
      because.map(
        ({ tag, on, where }) =>
          `${where}: {% ${tag} %} depends on ${tag === 'component' ? `the rules of ${on}` : on}`,
      ),
    ),
  );
  if (causes.size === 0) return '';
  return [
    'Rendered for each recipient because of',
    ...[...causes].map((one) => wrap(printable(one), 2)),
  ].join('\n');
}

/** Rules are wrapped, never cut: half of a condition says something else. */
function rulesText(rules: CampaignDescription['rules']): string {
  return Object.entries(rules)
    .map(([component, list]) => {
      const rows = list.map((rule) => [`  ${'hide' in rule ? 'nothing' : rule.show}`, rule.when] as const);
      return `${component} shows\n${factLines([...rows, ['  default content', 'otherwise']], textMaximum)}`;
    })
    .join('\n\n');
}

function linksTable({ links }: CampaignDescription): string {
  const hasGoals = links.some(({ goals }) => goals.length > 0);
  const rows = links.map(({ number, url, goals }) => [
    number,
    ...(hasGoals ? [goals.join(', ')] : []),
    printable(url, textMaximum),
  ]);
  return rows.length === 0 ? '' : table(rows, ['link', ...(hasGoals ? ['goal'] : []), 'leads to']);
}

function filesTable({ attachments, embedded, hosted }: CampaignDescription): string {
  const rows = [
    ...attachments.map((file) => ['attached', file] as const),
    ...embedded.map((file) => ['embedded', file] as const),
    ...hosted.map((file) => ['linked', file] as const),
  ].map(([how, { name, type, size }]) => [printable(name), how, type, kilobytes(size)]);
  return rows.length === 0 ? '' : table(rows, ['file', '', 'type', 'size']);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_024).toFixed(1)} KB`;
}
