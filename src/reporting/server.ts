import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Database } from '../db/connect.ts';
import { messageOf } from '../domain/error-message.ts';
import { InputError } from '../domain/errors.ts';
import { countUnclear } from '../feedback/list-feedback.ts';
import type { Logger } from '../logging.ts';
import { listCampaigns } from './campaign-list.ts';
import { campaignPage } from './pages/campaign-page.ts';
import { campaignsPage } from './pages/campaigns-page.ts';
import { contentSecurityPolicy } from './pages/layout.ts';
import { messagePage } from './pages/message-page.ts';
import { campaignReport } from './report.ts';
import { unknownCampaign } from './totals.ts';

export interface Reporting {
  readonly db: Database;
  readonly log: Logger;
}

/** For every answer: nothing is cached, sniffed, framed or indexed. */
const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
} as const;

const requestTimeoutMs = 15_000;
/** The report of ten million recipients takes seconds. */
const handlerTimeoutMs = 60_000;
const lastPage = 100_000;

/**
 * The HTTP server of the reporting role: `/` and `/campaigns.json` list the campaigns, `/campaigns/:id` and
 * `/campaigns/:id.json` report one, `/healthz` says whether the database answers. It reads only, and shows no addresses.
 */
export function buildReporting({ db, log }: Reporting): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: 1_024,
    requestTimeout: requestTimeoutMs,
    handlerTimeout: handlerTimeoutMs,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true },
  });
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  server.setNotFoundHandler((request, reply) =>
    answer(request, reply, 404, 'Not found', 'There is no such page.'),
  );
  server.setErrorHandler((error: FastifyError | InputError, request, reply) => {
    if (error instanceof InputError) return answer(request, reply, 404, 'Not found', error.message);
    const status = error.statusCode ?? 503;
    if (status >= 400 && status < 500) return answer(request, reply, status, 'Refused', error.message);
    log.error({ err: messageOf(error), route: request.routeOptions.url }, 'a report failed');
    return answer(
      request,
      reply,
      503,
      'Not now',
      'The report cannot be made at the moment. Please try again.',
    );
  });

  server.get('/', async (request, reply) => {
    const page = pageNumber(request);
    const [{ campaigns, hasMore }, unclear] = await Promise.all([listCampaigns(db, page), countUnclear(db)]);
    return sendPage(reply, campaignsPage(campaigns, page, hasMore, unclear));
  });
  server.get('/campaigns.json', async (request) => await listCampaigns(db, pageNumber(request)));
  server.get<{ Params: { campaign: string } }>('/campaigns/:campaign', async ({ params }, reply) => {
    const [, id = '', json] = /^(.*?)(\.json)?$/s.exec(params.campaign) ?? [];
    // PostgreSQL takes every text but one with a NUL in it.
    if (id.includes('\0')) throw unknownCampaign(id);
    const report = await campaignReport(db, id);
    return json === undefined ? sendPage(reply, campaignPage(report)) : report;
  });
  server.get('/healthz', async (_request, reply) => {
    try {
      await db.$client.query({ text: 'select 1', query_timeout: 3_000 } as { text: string });
      return { status: 'ok' };
    } catch {
      return reply.code(503).send({ status: 'unavailable', reason: 'the database does not answer' });
    }
  });
  return server;
}

function pageNumber(request: FastifyRequest): number {
  const { page } = request.query as { page?: unknown };
  const number = typeof page === 'string' && /^\d{1,6}$/.test(page) ? Number(page) : 1;
  return Math.min(Math.max(number, 1), lastPage);
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page);
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  title: string,
  message: string,
): FastifyReply {
  reply.code(status);
  return request.url.split('?')[0]?.endsWith('.json')
    ? reply.send({ error: { message } })
    : sendPage(reply, messagePage(title, message));
}
