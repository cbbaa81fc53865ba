import { Command, InvalidArgumentError } from 'commander';
import { type ChangedAddress, changeAddressIn } from '../contacts/addresses/change-address.ts';
import { type GivenContact, type UpsertedContact, upsertContactIn } from '../contacts/upsert-contact.ts';
import { RefusedError } from '../domain/errors.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { parseWholeNumber } from './flags.ts';

interface Flags {
  readonly email?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly language?: string;
  readonly facet?: Readonly<Record<string, string>>;
  readonly unsetFacet?: readonly string[];
  readonly doNotMarket?: boolean;
  readonly revokeConsent?: boolean;
  readonly bounceCount?: number;
  readonly list?: readonly string[];
  readonly allowConsentGrant?: boolean;
  readonly allowForgotten?: boolean;
}

export function contactSetCommand(): Command {
  return withGlobalFlags(new Command('set'))
    .description('make the contact of an address, or change it')
    .argument('<email>', 'the address')
    .option('--email <new>', 'change its address to this one; every "no" goes along')
    .option('--first-name <text>', '"" takes it away')
    .option('--last-name <text>', '"" takes it away')
    .option('--language <tag>', 'such as en or de-AT; "" takes it away')
    .option('--facet <name=value>', 'a facet; may be given several times', collectFacet)
    .option('--unset-facet <name>', 'take a facet away; may be given several times', collect)
    .option('--do-not-market', 'it gets nothing any more')
    .option('--no-do-not-market', 'take that back; only with --allow-consent-grant')
    .option('--revoke-consent', 'its consent is revoked: it gets nothing any more')
    .option('--no-revoke-consent', 'take that back; only with --allow-consent-grant')
    .option(
      '--bounce-count <number>',
      'bounces of the address; fewer only with --allow-consent-grant',
      parseWholeNumber(0, 1_000_000),
    )
    .option('--list <name>', 'a list that it becomes a member of; may be given several times', collect)
    .option('--allow-consent-grant', 'let a "no" be taken back')
    .option('--allow-forgotten', 'also where this person was erased: they came back by themselves')
    .addHelpText(
      'after',
      `
What is not given stays as it is. Nothing is changed where anything is refused.

Examples:
  exm contact set ann@example.com --first-name Ann --facet city=Bonn --list customers
  exm contact set ann@example.com --email ann.smith@example.com
  exm contact set ann@example.com --no-do-not-market --allow-consent-grant`,
    )
    .action(
      action<Flags>(async ({ io, env }, flags, email = '') => {
        const result = await withDatabase(env, 'contact set', async (db) =>
          db.transaction(async (tx) => {
            const moved =
              flags.email === undefined
                ? undefined
                : await changeAddressIn(tx, email, flags.email, { allowForgotten: flags.allowForgotten });
            const contact = await upsertContactIn(tx, givenOf(moved?.to ?? email, flags), flags);
            refuseKept(contact);
            return {
              ...contact,
              changed: contact.changed || moved?.changed === true,
              address: moved ?? null,
            };
          }),
        );
        io.result(result, describe(result));
      }),
    );
}

function givenOf(email: string, flags: Flags): GivenContact {
  const { firstName, lastName, language, facet = {}, unsetFacet = [], list } = flags;
  return {
    email,
    firstName: textOf(firstName),
    lastName: textOf(lastName),
    language: textOf(language),
    facets: { ...facet, ...Object.fromEntries(unsetFacet.map((name) => [name, null])) },
    doNotMarket: flags.doNotMarket,
    consentRevoked: flags.revokeConsent,
    bounceCount: flags.bounceCount,
    lists: list,
  };
}

const textOf = (text: string | undefined) => (text === '' ? null : text);

const collect = (text: string, before: readonly string[] = []) => [...before, text];

function collectFacet(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** In a program a "no" that stays is told; a person who asked for the contrary is not to take it for done. */
function refuseKept({ email, kept }: UpsertedContact): void {
  if (kept.length === 0) return;
  throw new RefusedError('CONSENT_STANDS', `This would take a "no" back: ${kept.join(', ')}.`, {
    field: 'EMAIL',
    value: email,
    hint: 'Only where this person gave consent again: --allow-consent-grant. Nothing was changed.',
  });
}

function describe(result: UpsertedContact & { readonly address: ChangedAddress | null }): string {
  const { id, email, created, changed, address } = result;
  const lines = [
    created
      ? `${email} is contact ${id} now.`
      : changed
        ? `${email} (contact ${id}) was changed.`
        : `${email} (contact ${id}) was so already.`,
  ];
  if (address?.changed && address.from !== email) {
    const { globalOptOut, suppression, listOptOuts } = address.carried;
    const carried = [
      ...(globalOptOut ? ['the global opt-out'] : []),
      ...(suppression ? ['the suppression'] : []),
      ...(listOptOuts > 0 ? [`${listOptOuts} ${listOptOuts === 1 ? "list's" : "lists'"} opt-out`] : []),
    ];
    lines.push(`It was ${address.from}; what is queued for it goes to the new address.`);
    if (carried.length > 0) lines.push(`It holds for the new address too: ${carried.join(', ')}.`);
  }
  return lines.join('\n');
}
