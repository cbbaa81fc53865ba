import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Preferences, readPreferences, savePreferences } from '../../contacts/consent/preferences.ts';
import { parseLanguageTag } from '../../contacts/language-tag.ts';
import { requestSubscription } from '../../contacts/subscription/request-subscription.ts';
import { messageOf } from '../../domain/error-message.ts';
import { askForAddress } from '../ask-for-address.ts';
import { type Delivery, pageLanguage, senderName } from '../delivery.ts';
import { cleanUserAgent } from '../event-inbox.ts';
import type { TokenPayload } from '../links/token.ts';
import { makeUndoReceipt } from '../links/undo-receipt.ts';
import type { Page } from '../pages/frame.ts';
import { plainPage } from '../pages/plain.ts';
import {
  type PreferencesOutcome,
  type PreferencesPageOptions,
  preferencesPage,
  preferencesSavedPage,
} from '../pages/preferences.ts';
import { pageLanguages, pageTexts } from '../pages/texts.ts';
import { isFromElsewhere, readForm } from './form.ts';
import { typedName } from './typed-name.ts';
import { withToken } from './with-token.ts';

type TokenRoute = { Params: { token: string } };

/**
 * /p/TOKEN. GET shows what a person gets and may choose; POST stores it. Who was passed a message has its token, too: so
 * leaving a list is done at once, and joining one, or ending a "no" to everything, is only asked for; a mail to the
 * person's own address confirms it. Another address is confirmed by a mail to that one, and may be taken back by the one before.
 */
export function preferenceRoutes(server: FastifyInstance, delivery: Delivery): void {
  server.get<TokenRoute>('/p/:token', async (request, reply) => {
    return await withToken(request, reply, delivery, async (payload, token) => {
      const options = await optionsOf(request, delivery, payload, token);
      return options === undefined ? plainPage(pageLanguage(request), 'gone') : preferencesPage(options);
    });
  });

  server.post<TokenRoute>('/p/:token', async (request, reply) => {
    const form = await readForm(request);
    return await withToken(request, reply, delivery, async (payload, token) => {
      const options = await optionsOf(request, delivery, payload, token);
      if (options === undefined) return plainPage(pageLanguage(request), 'gone');
      if (form?.get('form') === 'address' && !isFromElsewhere(request))
        return await askForAddress(delivery, payload, options, form);
      // Of unticked boxes nothing is sent: what does not say that it is this form must not count as all unticked.
      if (form?.get('form') !== 'preferences' || isFromElsewhere(request))
        return preferencesPage(options, 'badRequest');
      try {
        return await saveAndTell(request, delivery, payload, token, options, form);
      } catch (error) {
        delivery.log.error({ err: messageOf(error) }, 'preferences could not be stored');
        return preferencesPage(options, 'unavailable');
      }
    });
  });
}

async function optionsOf(
  request: FastifyRequest,
  { db, contents, sender }: Delivery,
  { campaignId, contactId }: TokenPayload,
  token: string,
): Promise<PreferencesPageOptions | undefined> {
  const [found, preferences] = await Promise.all([
    contents.find(campaignId).catch(() => undefined),
    readPreferences(db, contactId),
  ]);
  if (preferences === undefined) return undefined;
  const from = found?.content.from ?? sender;
  return {
    language: pageLanguage(request, preferences.language),
    sender: senderName(from),
    preferences,
    canJoin: sender !== undefined,
    unsubscribe: `../u/${token}`,
    languages: found?.content.bodies.map(({ language }) => language) ?? pageLanguages,
  };
}

async function saveAndTell(
  request: FastifyRequest,
  delivery: Delivery,
  payload: TokenPayload,
  token: string,
  options: PreferencesPageOptions,
  form: URLSearchParams,
): Promise<Page> {
  const { preferences } = options;
  const ticked = numbersOf(form, 'list');
  // What the person saw ticked counts, not what is on by now: only what the person changed is changed.
  const was = numbersOf(form, 'was');
  const { left, at, isChanged } = await savePreferences(
    delivery.db,
    payload,
    {
      leave: [...was].filter((id) => !ticked.has(id)),
      ...namesOf(form, preferences),
      language: parseLanguageTag(form.get('language') ?? preferences.language) ?? preferences.language,
    },
    cleanUserAgent(request.headers['user-agent'] ?? ''),
  );
  const wantsAgain = preferences.isOptedOut && form.get('again') === 'yes';
  const wanted = preferences.lists.filter(({ id }) => ticked.has(id) && (wantsAgain || !was.has(id)));
  const isStillOff = preferences.isOptedOut && !wantsAgain && wanted.length > 0;
  const requests = isStillOff ? noRequests : await join(delivery, preferences, wanted, options);
  const titlesLeft = preferences.lists.filter(({ id }) => was.has(id) && !ticked.has(id));
  const outcome: PreferencesOutcome = {
    ...requests,
    left: left > 0 ? titlesLeft.map(({ title }) => title) : [],
    isStillOff,
    isChanged,
    undo: left > 0 ? makeUndoReceipt(payload, at, delivery.keys) : undefined,
  };
  return preferencesSavedPage(options, outcome, `../p/${token}`);
}

/** Names are not shown, so an empty field keeps what is there; taking one away is asked for by its own box. */
function namesOf(form: URLSearchParams, present: Preferences): Pick<Preferences, 'firstName' | 'lastName'> {
  const keep = form.get('noName') !== 'yes';
  const name = (field: 'firstName' | 'lastName') =>
    typedName(form.get(field) ?? '') || (keep ? present[field] : '');
  return { firstName: name('firstName'), lastName: name('lastName') };
}

const noRequests: Pick<PreferencesOutcome, 'asked' | 'askedBefore' | 'notAsked'> = {
  asked: [],
  askedBefore: [],
  notAsked: [],
};

/** Asks for each list by the same double opt-in as a form to subscribe does. */
async function join(
  { db, sender }: Delivery,
  { email, emailKey }: Preferences,
  lists: Preferences['lists'],
  { language }: PreferencesPageOptions,
): Promise<typeof noRequests> {
  const titles = { stored: [] as string[], limited: [] as string[], full: [] as string[] };
  for (const { id, title } of lists) {
    const wording = pageTexts(language).confirm.wording(title, senderName(sender));
    const request = { listId: id, email, emailKey, language, via: 'preferences', wording };
    titles[sender === undefined ? 'full' : await requestSubscription(db, request)].push(title);
  }
  return { asked: titles.stored, askedBefore: titles.limited, notAsked: titles.full };
}

/** The ids of lists that a form names. */
function numbersOf(form: URLSearchParams, name: string): Set<number> {
  const numbers = form.getAll(name).filter((value) => /^[1-9]\d{0,8}$/.test(value));
  return new Set(numbers.map(Number));
}
