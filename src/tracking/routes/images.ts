import type { FastifyInstance } from 'fastify';
import { imageExtension } from '../../message/definition/file-types.ts';
import type { Delivery } from '../delivery.ts';
import { sendNotFound } from './pages.ts';

/** An address that is made of the hash of what it shows never shows anything else: a year, and no questions. */
const forEver = 'public, max-age=31536000, immutable';

/** GET /i/HASH.EXT: an image of a campaign. It is the same for everybody, tells nothing about who asks, and counts nothing. */
export function imageRoute(server: FastifyInstance, { images }: Delivery): void {
  server.get<{ Params: { file: string } }>('/i/:file', async (request, reply) => {
    const [, hash, extension] = /^([0-9a-f]{64})\.([a-z]{3,4})$/.exec(request.params.file) ?? [];
    const image = hash === undefined ? undefined : await images.find(hash);
    if (image === undefined || imageExtension(image.type) !== extension) return sendNotFound(request, reply);
    const etag = `"${hash}"`;
    reply.header('cache-control', forEver).header('etag', etag);
    if (has(request.headers['if-none-match'], etag)) return reply.code(304).send();
    return reply.type(image.type).send(image.bytes);
  });
}

/** RFC 9110 section 13.1.2: any of a list, compared weakly. */
function has(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')));
}
