import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../domain/error-message.ts';
import { type Delivery, pageLanguage, sendPage } from './delivery.ts';
import {
  type Page,
  plainPage,
  type UnsubscribePageOptions,
  unsubscribedPage,
  unsubscribePage,
} from './pages.ts';
import { nobody, readQueuedBody, readRecipient } from './read-recipient.ts';
import { openToken, type TokenPayload } from './token.ts';
import { type UnsubscribeScope, unsubscribe } from './unsubscribe.ts';

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

/**
 * /u/TOKEN. GET shows a page and changes nothing, for mail scanners follow links. POST unsubscribes: by the page's
 * buttons, or by a mail program with `List-Unsubscribe=One-Click` (RFC 8058), which means all mail.
 */
export function unsubscribeRoutes(server: FastifyInstance, delivery: Delivery): void {
  server.get<TokenRoute>('/u/:token', async (request, reply) => {
    const payload = openToken(request.params.token, delivery.keys);
    if (payload === undefined) return sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
    if (payload.position === 0) return sendPage(reply, plainPage(pageLanguage(request), 'test'));
    return sendPage(reply, unsubscribePage(await whoAsks(request, delivery, payload)));
  });

  server.post<TokenRoute>('/u/:token', async (request, reply) => {
    const payload = openToken(request.params.token, delivery.keys);
    if (payload === undefined) return sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
    if (payload.position === 0) return sendPage(reply, plainPage(pageLanguage(request), 'test'));
    return sendPage(reply, await unsubscribeAndTell(request, delivery, payload));
  });
}

async function unsubscribeAndTell(
  request: FastifyRequest,
  delivery: Delivery,
  payload: TokenPayload,
): Promise<Page> {
  const scope = await wantedScope(request);
  if (scope === undefined) {
    return unsubscribePage({ ...(await whoAsks(request, delivery, payload)), failed: 'badRequest' });
  }
  try {
    const result = await unsubscribe(delivery.db, payload, scope, request.headers['user-agent'] ?? '');
    const who = await whoAsks(request, delivery, payload);
    if (result === 'gone') return plainPage(who.language, 'gone');
    return unsubscribedPage(who, result === 'already' ? 'already' : scope);
  } catch (error) {
    delivery.log.error({ err: messageOf(error) }, 'an unsubscribe could not be stored');
    return unsubscribePage({ ...(await whoAsks(request, delivery, payload)), failed: 'unavailable' });
  }
}

/** Sender and person for the page's words. Where the database is away they are left out: the form still works. */
async function whoAsks(
  request: FastifyRequest,
  { contents, db }: Delivery,
  { campaignId, contactId }: TokenPayload,
): Promise<UnsubscribePageOptions> {
  const [found, person = nobody] = await Promise.all([
    contents.find(campaignId).catch(() => undefined),
    readRecipient(db, contactId).catch(() => undefined),
  ]);
  const from = found?.content.from;
  return {
    language: pageLanguage(request, person.language),
    sender: from?.name || from?.address || '',
    email: person.email,
  };
}

/** Reads the form, url-encoded or multipart (RFC 8058 section 3.2 has clients send the latter). */
async function wantedScope(request: FastifyRequest): Promise<UnsubscribeScope | undefined> {
  const body = request.body;
  if (!Buffer.isBuffer(body)) return undefined;
  const type = request.headers['content-type'] ?? '';
  const form = await readForm(body, type);
  if (form?.get('List-Unsubscribe')?.toString().trim().toLowerCase() === 'one-click') return 'all';
  const scope = form?.get('scope');
  return scope === 'all' || scope === 'lists' ? scope : undefined;
}

async function readForm(body: Buffer, type: string): Promise<FormData | URLSearchParams | undefined> {
  if (!/^multipart\/form-data\b/i.test(type)) return new URLSearchParams(body.toString('utf8'));
  try {
    return await new Response(body, { headers: { 'content-type': type } }).formData();
  } catch {
    return undefined;
  }
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
}
