import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseEmailAddress } from '../../contacts/addresses/email-address.ts';
import { findPublicList, type PublicList } from '../../contacts/subscription/public-list.ts';
import { requestSubscription } from '../../contacts/subscription/request-subscription.ts';
import { type Delivery, pageLanguage, senderName, sendPage } from '../delivery.ts';
import {
  askedPage,
  noSubscriptionPage,
  type SubscribePageOptions,
  subscribePage,
} from '../pages/subscribe.ts';
import { pageTexts } from '../pages/texts.ts';
import { trapField } from '../pages/trap-field.ts';
import { readForm } from './form.ts';
import { sendNotFound } from './pages.ts';
import { typedName } from './typed-name.ts';

type FormRoute = { Params: { name: string }; Querystring: { language?: unknown } };

/**
 * /s/NAME: a form to subscribe to a public list, and what it, or a form on the customer's own website, is posted to. The
 * answer is the same whoever the address is, so that nobody learns who is subscribed.
 */
export function subscribeRoutes(server: FastifyInstance, delivery: Delivery): void {
  server.get<FormRoute>('/s/:name', async (request, reply) => {
    const list = await findPublicList(delivery.db, request.params.name);
    if (list === undefined) return sendNotFound(request, reply);
    const options = optionsOf(request, delivery, list);
    return sendPage(
      reply,
      delivery.sender === undefined ? noSubscriptionPage(options, 'off') : subscribePage(options),
    );
  });

  server.post<FormRoute>('/s/:name', async (request, reply) => {
    const form = await readForm(request);
    const list = await findPublicList(delivery.db, request.params.name);
    if (list === undefined) return sendNotFound(request, reply);
    const options = optionsOf(request, delivery, list, form?.get('language') ?? '');
    if (delivery.sender === undefined) return sendPage(reply, noSubscriptionPage(options, 'off'));
    const email = (form?.get('email') ?? '').slice(0, 300);
    const firstName = typedName(form?.get('firstName') ?? '');
    const parsed = parseEmailAddress(email);
    if (!parsed.ok) return sendPage(reply, subscribePage(options, { email, firstName }));
    // A program filled in what no person sees. It is told nothing else than everybody.
    if ((form?.get(trapField) ?? '') !== '') return sendPage(reply, askedPage(options, parsed.address));
    const { language, title, sender } = options;
    const result = await requestSubscription(delivery.db, {
      listId: list.id,
      email: parsed.address,
      emailKey: parsed.key,
      firstName,
      language,
      via: cameFrom(request),
      wording: pageTexts(language).confirm.wording(title, sender),
    });
    return sendPage(
      reply,
      result === 'full' ? noSubscriptionPage(options, 'full') : askedPage(options, parsed.address),
    );
  });
}

/** @param chosen the language that was chosen in the form */
function optionsOf(
  request: FastifyRequest<FormRoute>,
  { sender }: Delivery,
  { title }: PublicList,
  chosen = '',
): SubscribePageOptions {
  const { language } = request.query;
  const wanted = chosen || (typeof language === 'string' ? language : '');
  return {
    language: pageLanguage(request, wanted.slice(0, 35)),
    sender: senderName(sender),
    title,
  };
}

/** Origin of the website whose form it was; `form` for our own, which sends none that can be told. */
function cameFrom({ headers }: FastifyRequest): string {
  const { origin } = headers;
  if (headers['sec-fetch-site'] === 'same-origin' || origin === undefined || origin.length > 200)
    return 'form';
  return /^https?:\/\/[^\s/]+$/.test(origin) ? origin : 'form';
}
