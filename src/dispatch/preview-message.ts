import { and, eq } from 'drizzle-orm';
import { type CampaignRow, findCampaign } from '../campaigns/find-campaign.ts';
import type { Keys } from '../config/keys.ts';
import { givenAddress } from '../contacts/addresses/given-address.ts';
import { findRecipient } from '../contacts/audience/find-recipient.ts';
import type { Recipient } from '../contacts/audience/recipient.ts';
import type { Queries } from '../db/connect.ts';
import { variantOfQueued } from '../db/queued-variant.ts';
import { campaign, dispatchQueue } from '../db/schema.ts';
import { letterOf } from '../domain/ab-test.ts';
import { FailedError, InputError, RefusedError } from '../domain/errors.ts';
import { chooseLanguage } from '../domain/language-choice.ts';
import { MessageComposer } from '../message/compose.ts';
import type { ComposedMessage, FrozenContent } from '../message/content.ts';
import { loadFiles } from '../message/content-files.ts';
import { currentContent } from '../message/freeze/current-content.ts';
import type { FreezeOptions } from '../message/freeze/freeze-content.ts';
import { namedVariant } from '../message/named-variant.ts';
import type { ChosenVariations } from '../message/render/components.ts';
import { type RuleFailure, ruleSetOf } from '../message/rules/rule-set.ts';
import { loadReturnPaths } from './load-return-paths.ts';

export interface PreviewRequest {
  readonly campaignId: string;
  /** Address of a contact. */
  readonly email: string;
  /** Letter. Left out: the one that the contact is dealt, else the winner, else A. */
  readonly variant?: string | undefined;
  /** Left out: the one that the contact gets. */
  readonly language?: string | undefined;
  /** With the contact's own links and Message-ID: what is opened and clicked in it counts as theirs. */
  readonly exact?: boolean | undefined;
}

export interface PreviewOptions extends Omit<FreezeOptions, 'campaignId'> {
  readonly keys: Keys;
  readonly bounceDomain?: string | undefined;
}

export interface MessagePreview {
  readonly campaignName: string;
  readonly message: ComposedMessage;
  /** Position in the queue; null where the contact is not queued. */
  readonly queuedAt: number | null;
  readonly variant: string;
  /** True where the contact is behind the A/B test and no winner is chosen: `variant` only stands for it. */
  readonly awaitsWinner: boolean;
  /** How many there are; 1 without an A/B test. */
  readonly variants: number;
  readonly language: string;
  /** False: the campaign has not been published, and this is what it would be now. */
  readonly isFrozen: boolean;
  /** What rules chose: a variation, or null where they hide the component. */
  readonly components: ChosenVariations;
  /** Rules that cannot be evaluated for this contact. */
  readonly ruleFailures: readonly RuleFailure[];
}

interface Queued {
  readonly position: number;
  /** Null while the winner of the A/B test is not chosen. */
  readonly variant: number | null;
  readonly language: string;
}

/** Nobody's position: links of a message made for it count nothing. */
const testPosition = 0;

/**
 * Composes the message that a contact gets, as FillEmail does. Links and Message-ID are those of a test message, so that
 * whoever looks at it leaves no trace in the contact's name, unless it is asked for exactly.
 *
 * @throws InputError CAMPAIGN_UNKNOWN, ADDRESS_WRONG, LANGUAGE_UNKNOWN, VARIANT_UNKNOWN; FailedError CONTACT_UNKNOWN;
 * RefusedError PREVIEW_NOT_QUEUED or PREVIEW_NO_WINNER; RecipientFailedError where this contact cannot get the message
 */
export async function previewMessage(
  db: Queries,
  request: PreviewRequest,
  { keys, bounceDomain, ...freeze }: PreviewOptions,
): Promise<MessagePreview> {
  const row = await findCampaign(db, request.campaignId);
  const recipient = await contactOf(db, request.email);
  const { content, isFrozen } = await currentContent(db, row, freeze);
  const queued = await queuedAs(db, row.id, recipient.contactId);
  if (request.exact && queued === undefined) throw notQueued(row, request.email);
  const awaitsWinner = queued?.variant === null && request.variant === undefined;
  if (request.exact && awaitsWinner) throw noWinner(row);
  const variant = chooseVariant(request, content, queued, row.winner);
  const language = chooseBodyLanguage(request, content, variant, queued, recipient);
  const composer = new MessageComposer(content, keys, {
    files: await loadFiles(db, content),
    returnPaths: await loadReturnPaths(db, row.id, bounceDomain),
  });
  const position = request.exact ? (queued?.position ?? testPosition) : testPosition;
  const message = await composer.compose(recipient, position, variant, language);
  // Composing has asked the same rules.
  const rules = ruleSetOf(content);
  rules.takeFailures();
  return {
    campaignName: row.name,
    message,
    queuedAt: queued?.position ?? null,
    variant: letterOf(variant),
    awaitsWinner,
    variants: variantsOf(content),
    language,
    isFrozen,
    components: rules.choose(recipient),
    ruleFailures: rules.takeFailures(),
  };
}

async function contactOf(db: Queries, email: string): Promise<Recipient> {
  const recipient = await findRecipient(db, givenAddress(email, '--contact').address);
  if (recipient !== undefined) return recipient;
  throw new FailedError('CONTACT_UNKNOWN', 'There is no contact with this address to show the message of.', {
    field: '--contact',
    value: email,
    hint: 'Import it with "exm contact import", or take the address of another contact.',
  });
}

async function queuedAs(db: Queries, campaignId: string, contactId: number): Promise<Queued | undefined> {
  const [row] = await db
    .select({
      position: dispatchQueue.position,
      variant: variantOfQueued,
      language: dispatchQueue.language,
    })
    .from(dispatchQueue)
    .innerJoin(campaign, eq(campaign.id, dispatchQueue.campaignId))
    .where(and(eq(dispatchQueue.campaignId, campaignId), eq(dispatchQueue.contactId, contactId)));
  return row;
}

function chooseVariant(
  { variant }: PreviewRequest,
  content: FrozenContent,
  queued: Queued | undefined,
  winner: number | null,
): number {
  if (variant === undefined) return queued?.variant ?? winner ?? 0;
  return namedVariant(variant, variantsOf(content), '--variant');
}

function variantsOf({ bodies }: FrozenContent): number {
  return new Set(bodies.map(({ variant }) => variant)).size;
}

function chooseBodyLanguage(
  request: PreviewRequest,
  { bodies, fallback, defaultLanguage }: FrozenContent,
  variant: number,
  queued: Queued | undefined,
  recipient: Recipient,
): string {
  const languages = bodies.filter((body) => body.variant === variant).map(({ language }) => language);
  if (request.language === undefined) {
    return queued?.language ?? chooseLanguage(recipient.language, { languages, fallback, defaultLanguage });
  }
  const wanted = request.language.toLowerCase();
  if (languages.includes(wanted)) return wanted;
  throw new InputError('LANGUAGE_UNKNOWN', 'The campaign has no body in this language.', {
    field: '--language',
    value: request.language,
    hint: `It has: ${languages.join(', ')}.`,
  });
}

function noWinner({ id }: CampaignRow): RefusedError {
  return new RefusedError(
    'PREVIEW_NO_WINNER',
    'The contact gets the winner of the A/B test, which is not chosen yet.',
    {
      field: 'campaign id',
      value: id,
      hint: 'Leave --exact out, and name a --variant to see it; or choose the winner with "exm campaign winner".',
    },
  );
}

function notQueued({ id, queued }: CampaignRow, email: string): RefusedError {
  const why = queued === null ? 'The campaign has not been queued yet' : 'This contact is not in the queue';
  return new RefusedError(
    'PREVIEW_NOT_QUEUED',
    `${why}, so there are no links and no Message-ID of its own.`,
    {
      field: '--exact',
      value: email,
      hint: `Leave --exact out; "exm why ${id} ${email}" says why a contact is not queued.`,
    },
  );
}
