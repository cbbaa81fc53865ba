import { Command } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { runTestSend } from '../client/client.ts';
import { parseEmailAddress } from '../contacts/addresses/email-address.ts';
import type { Database } from '../db/connect.ts';
import { liveDispatchers, whyNoneSends } from '../dispatch/dispatchers.ts';
import { createTestSend, readTestSend } from '../dispatch/test-send.ts';
import { letterOf } from '../domain/ab-test.ts';
import { exitCodes, InputError, UnavailableError } from '../domain/errors.ts';
import { namedVariant, variantsIn } from '../message/named-variant.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';
import { parseList } from './flags.ts';
import { table } from './table.ts';

interface TestFlags {
  readonly to: string[];
  readonly languages?: string[];
  readonly variant?: string[];
}

/** A test is for a few people. */
const mostAddresses = 50;

export function campaignTestCommand(): Command {
  return withGlobalFlags(new Command('test'))
    .description('send the message to some addresses, marked as a test, outside the statistics')
    .argument('<id>', 'campaign id')
    .requiredOption('--to <addresses>', 'addresses, with commas between', parseList)
    .option(
      '--languages <languages>',
      'languages, with commas between (default: the default language)',
      parseList,
    )
    .option(
      '--variant <letters>',
      'variants of an A/B test, with commas between (default: all of them)',
      parseList,
    )
    .addHelpText(
      'after',
      '\nExample:\n  exm campaign test autumn-7k3f --to ann@example.com,bob@example.com --languages en,de',
    )
    .action(
      action<TestFlags>(async ({ io, env }, { to, languages = [], variant = [] }, id = '') => {
        checkAddresses(to);
        await withDatabase(env, 'campaign test', async (db, { queuePrefix }) => {
          const { definition } = await findCampaign(db, id);
          checkLanguages(languages, Object.keys(definition.bodies));
          const variants = variant.map((letter) => namedVariant(letter, variantsIn(definition), '--variant'));
          await requireAbleDispatcher(db, definition.pool);
          const testSendId = await createTestSend(db, { campaignId: id, addresses: to, languages, variants });
          const { pool } = definition;
          const counts = await withClient(
            env,
            async (client) => await runTestSend(client, { campaignId: id, testSendId, pool, queuePrefix }),
          );
          const { results } = await readTestSend(db, testSendId);
          const hasVariants = definition.test !== undefined;
          const rows = (results ?? []).map(({ address, language, variant, ok, reply }) => [
            address,
            language,
            ...(hasVariants ? [letterOf(variant)] : []),
            ok ? 'sent' : 'failed',
            reply,
          ]);
          io.result(
            { id, ...counts, results: results ?? [] },
            table(rows, ['address', 'language', ...(hasVariants ? ['variant'] : []), 'result', 'reply']),
          );
          if (counts.failed > 0) process.exitCode = exitCodes.failed;
        });
      }),
    );
}

function checkAddresses(addresses: readonly string[]): void {
  if (addresses.length === 0 || addresses.length > mostAddresses) {
    throw new InputError('TEST_ADDRESSES', `A test goes to 1 to ${mostAddresses} addresses.`, {
      field: '--to',
      value: addresses.length,
    });
  }
  for (const address of addresses) {
    const parsed = parseEmailAddress(address);
    if (parsed.ok) continue;
    throw new InputError(
      'TEST_ADDRESSES',
      `This is not an email address: ${parsed.reason.replaceAll('-', ' ')}.`,
      {
        field: '--to',
        value: address,
        hint: 'Give addresses such as ann@example.com, with commas between.',
      },
    );
  }
}

/** While its mail server is away a dispatcher takes no work, and no test either: better told at once than after minutes. */
async function requireAbleDispatcher(db: Database, pool: string): Promise<void> {
  const lacking = whyNoneSends(await liveDispatchers(db, pool), pool);
  if (lacking === null) return;
  throw new UnavailableError('DISPATCHERS_ILL', `The test was not sent: ${lacking}`, {
    hint: 'Send it again when "exm server ls" shows a dispatcher of the pool whose health is ok.',
  });
}

function checkLanguages(wanted: readonly string[], existing: readonly string[]): void {
  const unknown = wanted.find((language) => !existing.includes(language));
  if (unknown === undefined) return;
  throw new InputError('LANGUAGE_UNKNOWN', 'The campaign has no body in this language.', {
    field: '--languages',
    value: unknown,
    hint: `It has: ${existing.join(', ')}.`,
  });
}
