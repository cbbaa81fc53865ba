import { Command } from 'commander';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { type ContactReport, showContact } from '../contacts/show-contact.ts';
import type { BounceDetail } from '../domain/feedback.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { printable } from './printable.ts';
import { minute, suppressedSince } from './suppressed-since.ts';
import { table } from './table.ts';

export function contactShowCommand(): Command {
  return withGlobalFlags(new Command('show'))
    .description(
      'everything that is known of a person: facets, consent, lists, what was sent and what came back',
    )
    .argument('<email>', 'the address of the contact')
    .addHelpText('after', '\nExample:\n  exm contact show ann@example.com')
    .action(
      action(async ({ io, env }, _flags, email = '') => {
        const report = await withDatabase(env, 'contact show', async (db, { configFile }) => {
          const config = await loadExmConfig(configFile, process.cwd());
          return await showContact(db, email, config.settings);
        });
        io.result(report, describeContact(report));
      }),
    );
}

const yesNo = (value: boolean) => (value ? 'yes' : 'no');

function describeContact(contact: ContactReport): string {
  const { consent, globalOptOut, suppression } = contact;
  const entry = (list: ContactReport['globalOptOut']) =>
    list === null ? 'no' : `since ${minute(list.since)}: ${printable(list.reason)}`;
  const optedOut = contact.listOptOuts.map((one) => `${one.list} ${entry(one)}`);
  const facts: [string, string | number][] = [
    ['email', printable(contact.email)],
    ...contact.addresses.map(({ email, usedFrom }): [string, string] => [
      'address from',
      `${minute(usedFrom)}: ${printable(email)}`,
    ]),
    ['name', printable(`${contact.firstName} ${contact.lastName}`.trim())],
    ['language', contact.language || 'unknown'],
    ...Object.entries(contact.facets).map(([name, value]): [string, string] => [
      printable(name, 30),
      printable(String(value)),
    ]),
    ['lists', contact.lists.join(', ') || 'none'],
    ['opted out of', optedOut.join('; ') || 'no list'],
    ['do not market', yesNo(consent.doNotMarket)],
    ['consent revoked', yesNo(consent.consentRevoked)],
    ['bounces', contact.bounceCount],
    ['global opt-out', entry(globalOptOut)],
    ['suppression list', suppression === null ? 'no' : suppressedSince(suppression)],
    ['gets mail', contact.excluded === null ? 'yes' : `no: ${contact.excluded}`],
    ...(contact.forgotten === null
      ? []
      : [
          ['was forgotten', `on ${minute(contact.forgotten.at)} by ${contact.forgotten.by}`] as [
            string,
            string,
          ],
        ]),
    ['created (UTC)', minute(contact.createdAt)],
    ['updated (UTC)', minute(contact.updatedAt)],
  ];
  const parts = [table(facts.map(([name, value]) => [name, String(value)]))];
  if (contact.campaigns.length > 0) {
    const rows = contact.campaigns.map((one) => [
      minute(one.at),
      one.campaignId,
      one.kind,
      printable([one.reason, one.reply].filter((text) => text !== null).join('; '), 80),
    ]);
    parts.push(table(rows, ['at (UTC)', 'campaign', 'outcome', '']));
  }
  if (contact.interactions.length > 0) {
    const rows = contact.interactions.map((one) => [
      minute(one.at),
      one.campaignId,
      one.type,
      one.detail === null ? (one.link === null ? '' : `link ${one.link}`) : bounceInWords(one.detail),
      one.agent,
    ]);
    parts.push(table(rows, ['at (UTC)', 'campaign', 'interaction', '', 'by']));
  }
  return parts.join('\n\n');
}

function bounceInWords({ class: kind, status, text }: BounceDetail): string {
  return printable([kind, status, text].filter((part) => part).join(' '), 80);
}
