import { generateKeys, readKeys, type TrackingKeys } from '../config/keys.ts';
import { makeToken } from '../tracking/links/token.ts';

/** How long content-delivery may take for each answer, milliseconds. */
const answerMaximumMs = 5_000;

/**
 * Asks the public address for a page to unsubscribe, as a recipient's mail program would: that of a test message, for which
 * the database is not needed, and a forged one. So what stands in between is looked at too, and whether the keys are the same.
 *
 * @returns why links in mail would lead nowhere; undefined where they work
 */
export async function whyLinksFail(
  baseUrl: string,
  keys: TrackingKeys,
  campaignId: string,
): Promise<string | undefined> {
  const nobody = { campaignId, position: 0, contactId: 0 };
  const status = async (path: string) => {
    const response = await fetch(baseUrl + path, { signal: AbortSignal.timeout(answerMaximumMs) });
    await response.body?.cancel();
    return response.status;
  };
  try {
    const health = await status('/healthz');
    if (health !== 200) return `content-delivery at ${baseUrl} answers ${health}`;
    const own = await status(`/u/${makeToken(nobody, keys)}`);
    if (own === 404) {
      return `content-delivery at ${baseUrl} does not know the unsubscribe links that are made here; give all processes the same keys, and let whatever stands before it hand on all below ${baseUrl}/`;
    }
    if (own !== 200) return `content-delivery at ${baseUrl} answers ${own} to an unsubscribe link`;
    const forged = await status(`/u/${makeToken(nobody, readKeys(generateKeys()))}`);
    // Proxies may have an answer of their own for what is not found. What counts is that the two are told apart.
    if (forged !== 200) return undefined;
    return `what answers at ${baseUrl} (EXM_BASE_URL) is not content-delivery: a forged link gets 200 instead of 404`;
  } catch (error) {
    return `content-delivery does not answer at ${baseUrl} (EXM_BASE_URL): ${reasonOf(error)}; start "exm worker content-delivery", or correct what stands before it`;
  }
}

/** What `fetch` says of it is in the cause: a certificate, a name, a refused connection. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { message?: string; code?: string } };
  if (name === 'TimeoutError') return `nothing came within ${answerMaximumMs / 1_000} s`;
  return cause?.message || cause?.code || message;
}
