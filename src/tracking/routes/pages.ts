import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Delivery, pageLanguage, sendPage } from '../delivery.ts';
import { openToken } from '../links/token.ts';
import { plainPage } from '../pages/plain.ts';
import { readQueuedBody, readRecipient } from '../read-recipient.ts';

type TokenRoute = { Params: { token: string } };

/**
 * Content-Security-Policy of a message viewed online: it may show images and styles from anywhere, as in a mail
 * program, and do nothing; its links open, its scripts and forms do not run.
 */
const messageSecurityPolicy = [
  "default-src 'none'",
  'img-src http: https: data:',
  "style-src 'unsafe-inline' https:",
  'font-src https: data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  'sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation',
].join('; ');

/** GET /v/TOKEN: the message as that recipient got it, with the contact's present values. */
export function viewRoute(server: FastifyInstance, delivery: Delivery): void {
  server.get<TokenRoute & { Querystring: { variant?: unknown; language?: unknown } }>(
    '/v/:token',
    async (request, reply) => {
      const { token } = request.params;
      const notFound = () => sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
      const payload = openToken(token, delivery.keys);
      if (payload === undefined) return notFound();
      const { campaignId, position, contactId } = payload;
      const found = await delivery.contents.find(campaignId);
      const recipient = await readRecipient(delivery.db, contactId);
      const body =
        position === 0 ? testBody(request.query) : await readQueuedBody(delivery.db, campaignId, position);
      if (found === undefined || recipient === undefined || body === undefined) return notFound();
      const { html } = found.renderer.render({ recipient, position, ...body }, token);
      return reply
        .header('content-security-policy', messageSecurityPolicy)
        .type('text/html; charset=utf-8')
        .send(html);
    },
  );
}

/** A test message says in its link which body it showed. */
function testBody({ variant, language }: { variant?: unknown; language?: unknown }) {
  return {
    variant: typeof variant === 'string' && /^\d{1,3}$/.test(variant) ? Number(variant) : 0,
    language: typeof language === 'string' ? language.slice(0, 35) : '',
  };
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
}
