import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  confirmSubscription,
  findSubscriptionRequest,
  type SubscriptionRequest,
} from '../contacts/subscription/confirm-subscription.ts';
import { messageOf } from '../domain/error-message.ts';
import { type Delivery, pageLanguage, senderName, sendPage } from './delivery.ts';
import { isFromElsewhere, readForm } from './form.ts';
import { confirmedPage, confirmPage } from './pages/subscribe.ts';
import { sendNotFound } from './routes-pages.ts';
import { openSubscriptionId } from './subscription-link.ts';

type ConfirmRoute = { Params: { signed: string } };

/** /confirm/ID.SIGNATURE, from the mail. GET shows a button, because scanners follow links; POST subscribes, once. */
export function confirmRoutes(server: FastifyInstance, delivery: Delivery): void {
  const { db, keys, log } = delivery;
  const words = (request: FastifyRequest, { language }: SubscriptionRequest) => ({
    language: pageLanguage(request, language),
    sender: senderName(delivery.sender),
  });

  server.get<ConfirmRoute>('/confirm/:signed', async (request, reply) => {
    const id = openSubscriptionId(request.params.signed, keys);
    const found = id === undefined ? undefined : await findSubscriptionRequest(db, id);
    if (found === undefined) return sendNotFound(request, reply);
    return sendPage(reply, confirmPage(words(request, found), found));
  });

  server.post<ConfirmRoute>('/confirm/:signed', async (request, reply) => {
    const id = openSubscriptionId(request.params.signed, keys);
    const form = await readForm(request);
    const found = id === undefined ? undefined : await findSubscriptionRequest(db, id);
    if (id === undefined || found === undefined) return sendNotFound(request, reply);
    // Only the button of our page confirms.
    if (form?.get('confirm') !== 'yes' || isFromElsewhere(request))
      return sendPage(reply, { ...confirmPage(words(request, found), found), status: 400 });
    try {
      const before = await confirmSubscription(db, id);
      if (before === undefined) return sendNotFound(request, reply);
      const options = words(request, before);
      return sendPage(
        reply,
        before.state === 'open' ? confirmedPage(options, before) : confirmPage(options, before),
      );
    } catch (error) {
      log.error({ err: messageOf(error) }, 'a subscription could not be stored');
      return sendPage(reply, confirmPage(words(request, found), found, true));
    }
  });
}
