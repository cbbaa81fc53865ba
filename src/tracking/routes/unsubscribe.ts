import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../domain/error-message.ts';
import { type Delivery, pageLanguage } from '../delivery.ts';
import { cleanUserAgent } from '../event-inbox.ts';
import { makeUndoReceipt, openUndoReceipt } from '../links/undo-receipt.ts';
import { plainPage } from '../pages/plain.ts';
import { undonePage, unsubscribedPage, unsubscribePage } from '../pages/unsubscribe.ts';
import { type UnsubscribeScope, undoUnsubscribe, unsubscribe } from '../unsubscribe.ts';
import { isFromElsewhere, readForm } from './form.ts';
import { whoAsks } from './who-asks.ts';
import { withToken } from './with-token.ts';

type TokenRoute = { Params: { token: string } };

/**
 * /u/TOKEN. GET shows a page and changes nothing, for mail scanners follow links. POST unsubscribes: by the page's
 * buttons, or by a mail program with `List-Unsubscribe=One-Click` (RFC 8058), which means all mail. Whoever was passed the
 * message can unsubscribe its recipient, and nothing else: the page says whose address it is, and only the answer to
 * the click has what takes it back.
 */
export function unsubscribeRoutes(server: FastifyInstance, delivery: Delivery): void {
  server.get<TokenRoute>('/u/:token', async (request, reply) => {
    return await withToken(request, reply, delivery, async (payload, token) =>
      unsubscribePage(await whoAsks(request, delivery, payload, token)),
    );
  });

  server.post<TokenRoute>('/u/:token', async (request, reply) => {
    const form = await readForm(request);
    return await withToken(request, reply, delivery, async (payload, token) => {
      const who = () => whoAsks(request, delivery, payload, token);
      const asked = wantedOf(form);
      if (asked === undefined) return unsubscribePage(await who(), 'badRequest');
      try {
        if ('undo' in asked) {
          const at = isFromElsewhere(request)
            ? undefined
            : openUndoReceipt(asked.undo, payload, delivery.keys);
          return undonePage(
            await who(),
            at !== undefined && (await undoUnsubscribe(delivery.db, payload, at)),
          );
        }
        const { result, at } = await unsubscribe(
          delivery.db,
          payload,
          asked.scope,
          request.headers['user-agent'] ?? '',
        );
        if (result === 'gone') return plainPage(pageLanguage(request), 'gone');
        if (result === 'no-lists') return unsubscribePage(await who(), 'noLists');
        if (result === 'already') return unsubscribedPage(await who(), 'already');
        const undo =
          asked.byMailProgram || at === undefined ? undefined : makeUndoReceipt(payload, at, delivery.keys);
        return unsubscribedPage(await who(), asked.scope, undo);
      } catch (error) {
        delivery.log.error({ err: messageOf(error) }, 'an unsubscribe could not be stored');
        if ('undo' in asked) return unsubscribePage(await who(), 'unavailable');
        const userAgent = cleanUserAgent(request.headers['user-agent'] ?? '');
        const isKept = await delivery.kept?.keep({ ...payload, scope: asked.scope, userAgent });
        return unsubscribePage(await who(), isKept === true ? 'kept' : 'unavailable');
      }
    });
  });
}

type Wanted =
  | { readonly scope: UnsubscribeScope; readonly byMailProgram: boolean }
  | { readonly undo: string };

function wantedOf(form: URLSearchParams | undefined): Wanted | undefined {
  if (form?.get('List-Unsubscribe')?.trim().toLowerCase() === 'one-click')
    return { scope: 'all', byMailProgram: true };
  const undo = form?.get('undo');
  if (typeof undo === 'string') return { undo };
  const scope = form?.get('scope');
  return scope === 'all' || scope === 'lists' ? { scope, byMailProgram: false } : undefined;
}
