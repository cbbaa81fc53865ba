import { confirmPath } from './links.ts';
import { isSigned, signText } from './signed-text.ts';
import type { TokenKeys } from './token.ts';

/** The link that confirms a request to subscribe. The id stands in Temporal, too: only the signature makes it a link. */
export function subscriptionLink(baseUrl: string, id: string, keys: TokenKeys): string {
  return baseUrl + confirmPath(`${id}.${signText('subscription', id, keys)}`);
}

/** The id of a request; undefined for what we did not sign. */
export function openSubscriptionId(signed: string, keys: TokenKeys): string | undefined {
  const [, id = '', signature = ''] = /^([0-9a-f-]{36})\.([\w-]{1,100})$/.exec(signed) ?? [];
  return id !== '' && isSigned('subscription', id, signature, keys) ? id : undefined;
}
