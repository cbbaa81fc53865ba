import { lookup } from 'node:dns';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isBelow, mayAsk } from './public-address.ts';

export type PageAnswer =
  | { readonly kind: 'answered'; readonly status: number }
  /** The address is not one of the public web, or leads to one that is not; nothing was asked for there. */
  | { readonly kind: 'private' }
  | { readonly kind: 'silent'; readonly reason: string };

export interface AskOptions {
  /** Whether pages of this machine may be asked for. */
  readonly allowLocal: boolean;
  /** Redirects that lead here are not followed. */
  readonly stopAt?: string;
  readonly deadline: AbortSignal;
}

const timeoutMs = 5_000;
const redirectsMaximum = 5;
/** What servers that refuse unknown programs mostly let pass. */
const userAgent = 'Mozilla/5.0 (compatible; exm-dispatch link check)';

class PrivateAddressError extends Error {}

/**
 * Asks for a page by GET, follows redirects, and hangs up once the head of the answer is there. Every address on the way
 * is looked at when it is connected to, so that no name can lead to a machine of our own network.
 */
export async function askForPage(url: string, options: AskOptions): Promise<PageAnswer> {
  let at = new URL(url);
  try {
    for (let redirects = 0; redirects <= redirectsMaximum; redirects++) {
      const { status, location } = await askOnce(at, options);
      const isRedirect = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
      if (!isRedirect || !URL.canParse(location, at.href)) return { kind: 'answered', status };
      at = new URL(location, at);
      const isOwn = options.stopAt !== undefined && isBelow(at.href, options.stopAt);
      if (isOwn || !/^https?:$/.test(at.protocol)) return { kind: 'answered', status };
    }
    return { kind: 'silent', reason: `it redirects more than ${redirectsMaximum} times` };
  } catch (error) {
    return error instanceof PrivateAddressError
      ? { kind: 'private' }
      : { kind: 'silent', reason: reasonOf(error) };
  }
}

function askOnce(
  url: URL,
  { allowLocal, deadline }: AskOptions,
): Promise<{ status: number; location: string | undefined }> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // An address that is written as a number is not looked up, so it is judged here.
  if (isIP(host) !== 0 && !mayAsk(host, allowLocal)) throw new PrivateAddressError();
  const { promise, resolve, reject } = withResolvers<IncomingMessage>();
  const request = (url.protocol === 'https:' ? getHttps : getHttp)(
    url,
    {
      agent: false,
      headers: { 'user-agent': userAgent, accept: 'text/html,*/*;q=0.8' },
      lookup: guardedLookup(allowLocal),
      signal: AbortSignal.any([deadline, AbortSignal.timeout(timeoutMs)]),
    },
    resolve,
  );
  request.on('error', reject);
  return promise
    .then(({ statusCode = 0, headers: { location } }) => ({ status: statusCode, location }))
    .finally(() => request.destroy());
}

/** DNS that gives no addresses which may not be asked. */
function guardedLookup(allowLocal: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) callback(error, '');
      else if (first === undefined || !addresses.every(({ address }) => mayAsk(address, allowLocal)))
        callback(new PrivateAddressError(), '');
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function reasonOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError') return 'its server does not answer in time';
  if (code === 'ENOTFOUND') return 'there is no such host';
  if (code === 'ECONNREFUSED') return 'its server refuses connections';
  return code ?? message.split('\n')[0] ?? 'unknown';
}

/** Promise.withResolvers, which Node.js 20 does not have. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
