import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { messageOf } from '../domain/error-message.ts';
import type { Delivery } from './delivery.ts';
import { pageLanguage, sendPage } from './delivery.ts';
import { tokenMaximumLength } from './links/token.ts';
import { plainPage } from './pages/plain.ts';
import { confirmRoutes } from './routes/confirm.ts';
import { clickRoute, openRoute } from './routes/events.ts';
import { feedbackRoute } from './routes/feedback.ts';
import { imageRoute } from './routes/images.ts';
import { sendNotFound, viewRoute } from './routes/pages.ts';
import { preferenceRoutes } from './routes/preferences.ts';
import { subscribeRoutes } from './routes/subscribe.ts';
import { unsubscribeRoutes } from './routes/unsubscribe.ts';

/** Bytes of a form. The largest real one is some 200. */
const bodyLimit = 8_192;
/** How long a client may take to send its request. Milliseconds. */
const requestTimeoutMs = 15_000;

/** No answer takes longer, whatever the database does. Milliseconds. */
const handlerTimeoutMs = 20_000;

/**
 * For every answer: nothing is cached (but the images of campaigns), sniffed, framed or indexed, and the token in our
 * address is told to nobody.
 */
const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
  'cross-origin-resource-policy': 'cross-origin',
} as const;

/**
 * The HTTP server of content-delivery: opens, clicks, unsubscribe, preferences, forms to subscribe, view online, images and /healthz. Everything else, and
 * every token that is not ours, is one plain 404.
 *
 * @param pathPrefix path of the public base URL, where a proxy hands it on instead of taking it off; else empty.
 */
export function buildContentDelivery(delivery: Delivery, pathPrefix = ''): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    handlerTimeout: handlerTimeoutMs,
    connectionTimeout: 60_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: tokenMaximumLength + 8, ignoreTrailingSlash: true },
    frameworkErrors: (_error, request, reply) => {
      reply.headers(securityHeaders);
      sendNotFound(request, reply as FastifyReply);
    },
  });
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setNotFoundHandler(sendNotFound);
  server.setErrorHandler((error: FastifyError, request, reply) =>
    answerError(delivery, error, request, reply),
  );
  for (const prefix of new Set(['', pathPrefix])) {
    server.register(async (routes) => addRoutes(routes, delivery), { prefix });
  }
  return server;
}

function addRoutes(server: FastifyInstance, delivery: Delivery): void {
  openRoute(server, delivery);
  clickRoute(server, delivery);
  viewRoute(server, delivery);
  imageRoute(server, delivery);
  unsubscribeRoutes(server, delivery);
  preferenceRoutes(server, delivery);
  subscribeRoutes(server, delivery);
  confirmRoutes(server, delivery);
  feedbackRoute(server, delivery);
  server.get('/healthz', async (_request, reply) => {
    try {
      await delivery.db.$client.query({ text: 'select 1', query_timeout: 3_000 } as { text: string });
      return { status: 'ok' };
    } catch {
      return reply.code(503).send({ status: 'unavailable', reason: 'the database does not answer' });
    }
  });
}

/** What a client did wrong is a 400; all else is our trouble of the moment, and says nothing about its inside. */
function answerError(
  { log }: Delivery,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const language = pageLanguage(request);
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return sendPage(reply, { ...plainPage(language, 'badRequest'), status: error.statusCode });
  }
  log.error({ err: messageOf(error), code: error.code, route: request.routeOptions.url }, 'a request failed');
  return sendPage(reply, plainPage(language, 'unavailable'));
}
