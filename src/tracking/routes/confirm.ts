import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type AddressRequest,
  confirmAddress,
  findAddressRequest,
} from '../../contacts/subscription/confirm-address.ts';
import {
  confirmSubscription,
  findSubscriptionRequest,
  type SubscriptionRequest,
} from '../../contacts/subscription/confirm-subscription.ts';
import type { Database } from '../../db/connect.ts';
import { messageOf } from '../../domain/error-message.ts';
import { type Delivery, pageLanguage, senderName, sendPage } from '../delivery.ts';
import { openSubscriptionId } from '../links/subscription-link.ts';
import { addressChangedPage, confirmAddressPage } from '../pages/address.ts';
import type { Page } from '../pages/frame.ts';
import { confirmedPage, confirmPage } from '../pages/subscribe.ts';
import { pageTexts } from '../pages/texts.ts';
import { isFromElsewhere, readForm } from './form.ts';
import { sendNotFound } from './pages.ts';

type ConfirmRoute = { Params: { signed: string } };
type Asked = SubscriptionRequest | AddressRequest;
type Words = Parameters<typeof confirmPage>[0];

/** /confirm/ID.SIGNATURE, from the mail. GET shows a button, because scanners follow links; POST does what was asked for, once. */
export function confirmRoutes(server: FastifyInstance, delivery: Delivery): void {
  const { db, keys, log } = delivery;
  const words = (request: FastifyRequest, { language }: Asked): Words => ({
    language: pageLanguage(request, language),
    sender: senderName(delivery.sender),
  });

  server.get<ConfirmRoute>('/confirm/:signed', async (request, reply) => {
    const id = openSubscriptionId(request.params.signed, keys);
    const found = id === undefined ? undefined : await findAsked(db, id);
    if (found === undefined) return sendNotFound(request, reply);
    return sendPage(reply, askingPage(words(request, found), found));
  });

  server.post<ConfirmRoute>('/confirm/:signed', async (request, reply) => {
    const id = openSubscriptionId(request.params.signed, keys);
    const form = await readForm(request);
    const found = id === undefined ? undefined : await findAsked(db, id);
    if (id === undefined || found === undefined) return sendNotFound(request, reply);
    const options = words(request, found);
    // Only the button of our page confirms.
    if (form?.get('confirm') !== 'yes' || isFromElsewhere(request))
      return sendPage(reply, { ...askingPage(options, found), status: 400 });
    try {
      const before = await confirm(db, id, found, options);
      if (before === undefined) return sendNotFound(request, reply);
      return sendPage(
        reply,
        before.state === 'open' ? donePage(options, before) : askingPage(options, before),
      );
    } catch (error) {
      log.error({ err: messageOf(error) }, 'what was confirmed could not be stored');
      return sendPage(reply, askingPage(options, found, true));
    }
  });
}

async function findAsked(db: Database, id: string): Promise<Asked | undefined> {
  return (await findSubscriptionRequest(db, id)) ?? (await findAddressRequest(db, id));
}

async function confirm(
  db: Database,
  id: string,
  { purpose }: Asked,
  { language, sender }: Words,
): Promise<Asked | undefined> {
  if (purpose === 'subscribe') return await confirmSubscription(db, id);
  return await confirmAddress(db, id, pageTexts(language).address.takeBackWording(sender));
}

function askingPage(options: Words, asked: Asked, isUnavailable = false): Page {
  return asked.purpose === 'subscribe'
    ? confirmPage(options, asked, isUnavailable)
    : confirmAddressPage(options, asked, isUnavailable);
}

function donePage(options: Words, asked: Asked): Page {
  return asked.purpose === 'subscribe' ? confirmedPage(options, asked) : addressChangedPage(options, asked);
}
