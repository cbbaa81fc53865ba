import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Delivery, pageLanguage, sendPage } from '../delivery.ts';
import { openToken, type TokenPayload } from '../links/token.ts';
import type { Page } from '../pages/frame.ts';
import { plainPage } from '../pages/plain.ts';

/** Answers with a page of the token's recipient; a token that is not ours, or a test message's, has pages of its own. */
export async function withToken(
  request: FastifyRequest<{ Params: { token: string } }>,
  reply: FastifyReply,
  { keys }: Delivery,
  pageOf: (payload: TokenPayload, token: string) => Promise<Page>,
): Promise<FastifyReply> {
  const { token } = request.params;
  const payload = openToken(token, keys);
  if (payload === undefined) return sendPage(reply, plainPage(pageLanguage(request), 'notFound'));
  if (payload.position === 0) return sendPage(reply, plainPage(pageLanguage(request), 'test'));
  return sendPage(reply, await pageOf(payload, token));
}
