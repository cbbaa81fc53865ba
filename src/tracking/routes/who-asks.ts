import type { FastifyRequest } from 'fastify';
import { type Delivery, pageLanguage, senderName } from '../delivery.ts';
import type { TokenPayload } from '../links/token.ts';
import type { UnsubscribePageOptions } from '../pages/unsubscribe.ts';
import { nobody, readRecipient } from '../read-recipient.ts';

/**
 * Sender and person for a page's words. Where the database is away they are left out: the form still works. Pages refer
 * to each other relatively, whatever the path under which a proxy has them.
 */
export async function whoAsks(
  request: FastifyRequest,
  { contents, db }: Delivery,
  { campaignId, contactId }: TokenPayload,
  token: string,
): Promise<UnsubscribePageOptions> {
  const [found, person = nobody] = await Promise.all([
    contents.find(campaignId).catch(() => undefined),
    readRecipient(db, contactId).catch(() => undefined),
  ]);
  const from = found?.content.from;
  return {
    language: pageLanguage(request, person.language),
    sender: senderName(from),
    email: person.email,
    preferences: `../p/${token}`,
  };
}
