import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { script, stylesheet } from './assets.ts';
import type { MailStore, MailSummary } from './mail-store.ts';
import { decodeHeader, framedHtml, parseMessage } from './message-view.ts';
import { defaultView, listPage, messagePage, type View, views } from './pages.ts';
import { comesBackTo, type Return, type ReturnsOptions, returns, sendBack } from './send-back.ts';

export interface CatcherWebOptions {
  readonly host: string;
  readonly port: number;
  readonly store: MailStore;
  /** Host names besides loopback's under which the page may be opened. */
  readonly allowedHosts?: readonly string[];
  /** Where messages can be sent back to; left out: nowhere. */
  readonly returns?: ReturnsOptions | undefined;
}

export interface CatcherWeb {
  readonly url: string;
  close(): Promise<void>;
}

const pageSize = 50;
const shownSourceBytes = 1_000_000;

const pagePolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** A message may show pictures and styles like in a mail program; it may run nothing and send nothing. */
const mailPolicy =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' http: https:; font-src http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const idParams = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer', minimum: 1 }, part: { type: 'integer', minimum: 1 } },
} as const;
const listQuery = {
  type: 'object',
  properties: {
    q: { type: 'string', maxLength: 320 },
    to: { type: 'string', maxLength: 320 },
    before: { type: 'integer', minimum: 1 },
    limit: { type: 'integer', minimum: 1, maximum: 1000, default: pageSize },
  },
} as const;
interface ListQuery {
  readonly q?: string;
  readonly to?: string;
  readonly before?: number;
  readonly limit: number;
}

/** The catcher's web page and JSON API. There is no login: it is for loopback, and for nothing but test mail. */
export async function startCatcherWeb(options: CatcherWebOptions): Promise<CatcherWeb> {
  const { store } = options;
  const app = fastify({ logger: false, bodyLimit: 1_024, forceCloseConnections: true });
  guard(app, new Set(['localhost', '127.0.0.1', '[::1]', ...(options.allowedHosts ?? [])]));
  addPages(app, store, options.returns);
  if (options.returns !== undefined) addReturns(app, store, options.returns);
  addApi(app, store);
  const url = await app.listen({ host: options.host, port: options.port });
  return { url, close: () => app.close() };
}

/** Headers on every answer; and no answer under a foreign name, by which another site's script could read along. */
function guard(app: FastifyInstance, hosts: ReadonlySet<string>): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': pagePolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    if (!hosts.has(host)) return reply.code(403).send({ error: 'This name is not served here.' });
  });
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const code = error.statusCode ?? 500;
    reply.code(code).send({ error: code < 500 ? error.message : 'The message store failed.' });
  });
  app.setNotFoundHandler((_request, reply) => notFound(reply));
}

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ error: 'Not found; it may have been removed.' });
}

function addPages(app: FastifyInstance, store: MailStore, back: ReturnsOptions | undefined): void {
  const send = (reply: FastifyReply, page: string) => reply.type('text/html; charset=utf-8').send(page);
  app.get('/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(stylesheet));
  app.get('/app.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(script));

  app.get<{ Querystring: ListQuery }>('/', { schema: { querystring: listQuery } }, (request, reply) => {
    const { q = '', before } = request.query;
    const search = q.trim();
    const matches = matcher(request.query);
    const found = store.list(pageSize + 1, { before, matches });
    const mails = found.slice(0, pageSize);
    const total = search === '' ? store.count : store.countMatching(matches);
    const more = found.length > pageSize;
    return send(reply, listPage({ mails, total, newest: store.newestId, search, before, more }));
  });

  app.get<{ Params: { id: number }; Querystring: { view?: View; width?: string; returned?: Return } }>(
    '/messages/:id',
    {
      schema: {
        params: idParams,
        querystring: {
          type: 'object',
          properties: {
            view: { enum: [...views] },
            width: { enum: ['phone', 'full'] },
            returned: { enum: [...returns] },
          },
        },
      },
    },
    async (request, reply) => {
      const found = await load(store, request.params.id);
      if (found === undefined) return notFound(reply);
      const { mail, raw, message } = found;
      const cut = raw.length > shownSourceBytes ? '\n… cut here; the download has all of it' : '';
      const page = messagePage({
        mail,
        message,
        source: raw.toString('utf8', 0, shownSourceBytes) + cut,
        view: request.query.view ?? defaultView(message),
        phone: request.query.width === 'phone',
        newer: store.next(mail.id)?.id,
        canReturn: back !== undefined && comesBackTo(back, mail.from),
        returned: request.query.returned,
        older: store.list(1, { before: mail.id })[0]?.id,
      });
      return send(reply, page);
    },
  );

  app.get<{ Params: { id: number } }>(
    '/messages/:id/html',
    { schema: { params: idParams } },
    async (request, reply) => {
      const found = await load(store, request.params.id);
      if (found === undefined) return notFound(reply);
      reply.header('content-security-policy', mailPolicy);
      return send(reply, framedHtml(found.message));
    },
  );

  app.get<{ Params: { id: number; part: number } }>(
    '/messages/:id/parts/:part',
    { schema: { params: idParams } },
    async (request, reply) => {
      const found = await load(store, request.params.id);
      const part = found?.message.attachments[request.params.part - 1];
      if (part === undefined) return notFound(reply);
      const filename = encodeURIComponent(part.filename).replace(
        /['()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16)}`,
      );
      return reply
        .header('content-disposition', `attachment; filename*=UTF-8''${filename}`)
        .type('application/octet-stream')
        .send(Buffer.from(part.content));
    },
  );
}

/** A message goes back as a bounce or a complaint, as if the world outside had sent it. */
function addReturns(app: FastifyInstance, store: MailStore, back: ReturnsOptions): void {
  const type = 'application/x-www-form-urlencoded';
  app.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  const body = { type: 'object', required: ['as'], properties: { as: { enum: [...returns] } } } as const;
  app.post<{ Params: { id: number }; Body: { as: Return } }>(
    '/messages/:id/return',
    { schema: { params: idParams, body } },
    async (request, reply) => {
      const { 'sec-fetch-site': site = 'same-origin' } = request.headers;
      if (site !== 'same-origin')
        return reply.code(403).send({ error: 'Only our own page may ask for this.' });
      const mail = store.find(request.params.id);
      const raw = await store.read(request.params.id);
      if (mail === undefined || raw === undefined || !comesBackTo(back, mail.from)) return notFound(reply);
      const { as } = request.body;
      try {
        await sendBack(back, { from: mail.from, to: mail.to[0] ?? '', raw }, as);
      } catch (error) {
        return reply.code(502).send({ error: `It was not taken: ${(error as Error).message}` });
      }
      return reply.redirect(`/messages/${mail.id}?returned=${as}`, 303);
    },
  );
}

function addApi(app: FastifyInstance, store: MailStore): void {
  app.get('/api/count', () => ({ count: store.count, newest: store.newestId }));

  app.get<{ Querystring: ListQuery }>('/api/messages', { schema: { querystring: listQuery } }, (request) => {
    const matches = matcher(request.query);
    const { limit, before } = request.query;
    const mails = store.list(limit, { before, matches });
    return { count: store.countMatching(matches), messages: mails.map(readable) };
  });

  app.get<{ Params: { id: number } }>(
    '/api/messages/:id',
    { schema: { params: idParams } },
    async (request, reply) => {
      const found = await load(store, request.params.id);
      if (found === undefined) return notFound(reply);
      const { headers, text, html, attachments } = found.message;
      return {
        ...readable(found.mail),
        headers,
        text,
        html,
        attachments: attachments.map(({ content: _content, ...described }) => described),
      };
    },
  );

  app.get<{ Params: { id: number } }>(
    '/api/messages/:id/raw',
    { schema: { params: idParams } },
    async (request, reply) => {
      const raw = await store.read(request.params.id);
      if (raw === undefined) return notFound(reply);
      return reply
        .header('content-disposition', `attachment; filename="${request.params.id}.eml"`)
        .type('message/rfc822')
        .send(raw);
    },
  );

  app.delete('/api/messages', async (_request, reply) => {
    await store.clear();
    return reply.code(204).send();
  });
}

/** `to`: part of an envelope recipient. `q`: part of any envelope address, or of the subject. Case doesn't count. */
function matcher({ q, to }: ListQuery): (mail: MailSummary) => boolean {
  const [anywhere, recipient] = [q, to].map((text) => (text ?? '').trim().toLowerCase()) as [string, string];
  const has = (text: string, wanted: string) => text.toLowerCase().includes(wanted);
  return (mail) =>
    (recipient === '' || mail.to.some((address) => has(address, recipient))) &&
    (anywhere === '' ||
      mail.to.some((address) => has(address, anywhere)) ||
      has(mail.from, anywhere) ||
      has(decodeHeader(mail.subject), anywhere));
}

async function load(store: MailStore, id: number) {
  const mail = store.find(id);
  const raw = await store.read(id);
  if (mail === undefined || raw === undefined) return undefined;
  return { mail, raw, message: await parseMessage(raw) };
}

function readable(mail: MailSummary) {
  return { ...mail, at: new Date(mail.at).toISOString(), subject: decodeHeader(mail.subject) };
}
