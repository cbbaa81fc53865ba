import type { FastifyRequest } from 'fastify';

/** What a form sent, url-encoded or multipart; undefined where it is neither. Files in it count for nothing. */
export async function readForm(request: FastifyRequest): Promise<URLSearchParams | undefined> {
  const { body } = request;
  if (!Buffer.isBuffer(body)) return undefined;
  const type = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\b/i.test(type)) return new URLSearchParams(body.toString('utf8'));
  try {
    const form = await new Response(body, { headers: { 'content-type': type } }).formData();
    const texts = [...form].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return new URLSearchParams(texts);
  } catch {
    return undefined;
  }
}

/**
 * Whether a browser says that the form stood on somebody else's page. Only ours may change a person's settings; a mail
 * program's one click, and forms to subscribe, come from wherever they stand. (Origin would say nothing: it is "null"
 * for pages that send no referrer, as ours are.)
 */
export function isFromElsewhere({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site === 'cross-site' || site === 'same-site';
}
