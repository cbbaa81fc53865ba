import { Command, InvalidArgumentError } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { chooseWinner, moveDecision } from '../client/client.ts';
import { letterOf } from '../domain/ab-test.ts';
import { type CampaignState, hasEnded } from '../domain/campaign-state.ts';
import { InputError, RefusedError } from '../domain/errors.ts';
import { durationMs, instantMs } from '../domain/time-text.ts';
import { namedVariant, variantsIn } from '../message/named-variant.ts';
import { instant } from '../reporting/pages/format.ts';
import { actor } from './actor.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';

interface WinnerFlags {
  readonly at?: string;
  /** Milliseconds. */
  readonly in?: number;
  readonly reason?: string;
}

export function campaignWinnerCommand(): Command {
  return withGlobalFlags(new Command('winner'))
    .description('choose the winner of an A/B test, or move the time at which the clock chooses it')
    .argument('<id>', 'campaign id')
    .argument('[variant]', 'A to E: everybody behind the test gets it, from now on')
    .option('--at <time>', 'the clock chooses then, such as 2026-11-22T14:00Z', parseInstant)
    .option('--in <length>', 'the clock chooses so long from now: 30m, 4h, 2d', parseLength)
    .option('--reason <text>', 'why, for the audit trail')
    .addHelpText(
      'after',
      '\nExamples:\n  exm campaign winner autumn-7k3f B --reason "clearly better"\n  exm campaign winner autumn-7k3f --in 2h',
    )
    .action(
      action<WinnerFlags>(async ({ io, env }, { at, in: inMs, reason }, id = '', letter) => {
        if ([letter, at, inMs].filter((one) => one !== undefined).length !== 1) throw nothingToDo(letter);
        await withDatabase(env, 'campaign winner', async (db) => {
          const { definition, state, winner: chosen } = await findCampaign(db, id);
          if (definition.test === undefined) throw noTest(id);
          if (hasEnded(state)) throw isOver(id, state, chosen);
          const orNotStarted = (error: unknown): never => {
            const isGone = error instanceof RefusedError && error.code === 'CAMPAIGN_NOT_RUNNING';
            throw isGone && state === 'Draft' ? notStarted(id) : error;
          };
          const variant =
            letter === undefined ? undefined : namedVariant(letter, variantsIn(definition), 'variant');
          await withClient(env, async (client) => {
            const request = { by: actor(), reason };
            if (variant !== undefined) {
              const winner = letterOf(variant);
              const result = await chooseWinner(client, id, { ...request, variant: winner }).catch(
                orNotStarted,
              );
              io.result(
                { id, winner, inForce: result !== undefined },
                result === undefined
                  ? `${id}: winner ${winner} is recorded`
                  : `${id}: ${winner} is the winner`,
              );
              if (result === undefined) io.note(noPrimary);
              return;
            }
            const result = await moveDecision(client, id, { ...request, at, inMs }).catch(orNotStarted);
            const dueAt = result?.dueAt ?? at ?? null;
            io.result(
              { id, dueAt, inForce: result !== undefined },
              result === undefined
                ? `${id}: the move is recorded`
                : `${id}: the winner is chosen at ${instant(result.dueAt)} UTC`,
            );
            if (result === undefined) io.note(noPrimary);
          });
        });
      }),
    );
}

const noPrimary = 'No primary worker answers: the request is recorded, and takes effect when one is back.';

function parseInstant(text: string): string {
  const ms = instantMs(text);
  if (ms !== undefined) return new Date(ms).toISOString();
  throw new InvalidArgumentError(
    'It must be a time with its zone, such as 2026-11-22T14:00Z or 2026-11-22T15:00+01:00.',
  );
}

function parseLength(text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It must be a length of time such as 30m, 4h or 2d.');
}

function nothingToDo(letter: string | undefined): InputError {
  return new InputError('WINNER_ARGUMENTS', 'Give a variant, or --at, or --in: one of them.', {
    field: 'variant',
    ...(letter === undefined ? {} : { value: letter }),
    hint: 'A variant is the winner at once; with --at or --in the clock chooses one then.',
  });
}

function isOver(id: string, state: CampaignState, winner: number | null): RefusedError {
  const whatWon = winner === null ? 'no winner was chosen' : `variant ${letterOf(winner)} was the winner`;
  return new RefusedError('WINNER_REFUSED', `The campaign is ${state}; ${whatWon}.`, {
    field: 'campaign id',
    value: id,
    hint: `"exm campaign status ${id}" shows how its variants did.`,
  });
}

function notStarted(id: string): RefusedError {
  return new RefusedError(
    'WINNER_REFUSED',
    'The campaign has not been started: nobody has got its test yet.',
    {
      field: 'campaign id',
      value: id,
      hint: `Start it first: "exm campaign start ${id}".`,
    },
  );
}

function noTest(id: string): RefusedError {
  return new RefusedError('WINNER_REFUSED', 'The campaign has no A/B test.', {
    field: 'campaign id',
    value: id,
    hint: 'A test stands in the campaign file, under "test".',
  });
}
