import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { givenAddress } from '../contacts/addresses/given-address.ts';
import { type ForgottenContact, forgetContact } from '../contacts/erasure/forget-contact.ts';
import { InputError, RefusedError } from '../domain/errors.ts';
import { actor } from './actor.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export function contactForgetCommand(): Command {
  return withGlobalFlags(new Command('forget'))
    .description('erase a person everywhere; only numbers and the proof that it was done are left')
    .argument('<email>', 'the address of the contact')
    .option('--reason <text>', 'kept with the proof; without the address, please')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
It cannot be undone. The person is not imported again (reason "forgotten"), unless --allow-forgotten is given there.
What it does not reach stands under "Data and privacy" in docs/operations.md: backups, journals, mail servers' logs.

Example:
  exm contact forget ann@example.com --reason "asked for it by mail of 2026-11-20"`,
    )
    .action(
      action<{ reason?: string; yes?: boolean }>(async ({ io, env }, { reason, yes }, email = '') => {
        const { address } = givenAddress(email);
        if (yes !== true) await confirm(address);
        const result = await withDatabase(
          env,
          'contact forget',
          async (db) => await forgetContact(db, email, { by: actor(), reason }),
        );
        io.result(result, describe(address, result));
      }),
    );
}

/** @throws InputError CONFIRMATION_MISSING where nobody can be asked; RefusedError NOT_CONFIRMED */
async function confirm(address: string): Promise<void> {
  if (process.stdin.isTTY !== true) {
    throw new InputError(
      'CONFIRMATION_MISSING',
      'Erasing a person cannot be undone, and nobody can be asked.',
      {
        field: '--yes',
        value: address,
        hint: 'Add --yes where it is to be done. Nothing was changed.',
      },
    );
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`Erase ${printable(address)} for good? Type "yes": `);
    if (answer.trim().toLowerCase() === 'yes') return;
  } finally {
    asking.close();
  }
  throw new RefusedError('NOT_CONFIRMED', 'Nothing was erased: it was not confirmed.', {
    field: 'EMAIL',
    value: address,
    hint: 'Type "yes" where you are asked.',
  });
}

function describe(address: string, { contactId, erased, movedTo }: ForgottenContact): string {
  const rows = Object.entries(erased).flatMap(([what, count]) => (count === 0 ? [] : [[count, what]]));
  const who =
    contactId === null ? 'It was no contact.' : `The ledger goes on counting it as contact ${contactId}.`;
  const others =
    movedTo.length === 0
      ? ''
      : `\n\nThis was a former address of contacts who were not erased, and still stands in their history. Where it is the same person:\n${movedTo.map((email) => `  exm contact forget ${printable(email)}`).join('\n')}`;
  return `${address} was erased. ${who}\n\n${table(rows, ['rows', ''])}${others}`;
}
