import type { FastifyInstance } from 'fastify';
import { type Delivery, pageLanguage, sendPage, storeBeforeAnswer } from '../delivery.ts';
import { hasTokens, redirectTarget } from '../links/redirect-target.ts';
import { openToken } from '../links/token.ts';
import { plainPage } from '../pages/plain.ts';
import { nobody, readRecipient } from '../read-recipient.ts';

/** A transparent GIF of one pixel. */
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** GET /o/TOKEN.gif: EmailOpened. A mail program that could not be answered asks again when the message is next read. */
export function openRoute(server: FastifyInstance, delivery: Delivery): void {
  server.get<{ Params: { token: string } }>('/o/:token.gif', async (request, reply) => {
    const recipient = openToken(request.params.token, delivery.keys);
    if (recipient === undefined) return sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
    const stored = await storeBeforeAnswer(delivery, request, recipient, { type: 'EmailOpened', link: null });
    if (!stored) return reply.code(503).header('retry-after', '10').send();
    return reply.type('image/gif').send(pixel);
  });
}

/** GET /c/TOKEN/N: EmailClicked, and on to the frozen link N, never to anything the request says. */
export function clickRoute(server: FastifyInstance, delivery: Delivery): void {
  server.get<{ Params: { token: string; link: string } }>('/c/:token/:link', async (request, reply) => {
    const { token, link: number } = request.params;
    const notFound = () => sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
    const payload = openToken(token, delivery.keys);
    if (payload === undefined || !/^(?:0|[1-9]\d{0,3})$/.test(number)) return notFound();
    const found = await delivery.contents.find(payload.campaignId);
    const link = found?.content.links[Number(number)];
    if (found === undefined || link === undefined) return notFound();
    const recipient = hasTokens(link) ? await readRecipient(delivery.db, payload.contactId) : nobody;
    if (recipient === undefined) return notFound();
    const { content } = found;
    const { position } = payload;
    const target = redirectTarget(content, link, { recipient, position, variant: 0, language: '' }, token);
    if (target === undefined) return notFound();
    await storeBeforeAnswer(delivery, request, payload, { type: 'EmailClicked', link: Number(number) });
    return reply.redirect(target, 302);
  });
}
