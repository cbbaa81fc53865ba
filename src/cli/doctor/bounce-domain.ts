import { Resolver } from 'node:dns/promises';
import type { Environment } from '../../config/environment.ts';
import { type Check, ok, warning, wrong } from './check.ts';

const name = 'Bounce domain';
const answerTimeoutMs = 3_000;
/** What the DNS says where there is no such record. */
const missing = new Set(['ENOTFOUND', 'ENODATA']);

/** What is asked of the DNS; others for tests. */
export interface DomainRecords {
  mx(domain: string): Promise<{ readonly exchange: string }[]>;
  txt(domain: string): Promise<string[][]>;
}

/** The domain of return paths: that mail to it comes to somebody, and that its SPF is published. */
export async function checkBounceDomain(
  env: Environment,
  records: DomainRecords = askDns(),
): Promise<Check[]> {
  const domain = env['EXM_BOUNCE_DOMAIN'];
  if (!domain) return [];
  if (/(^|\.)localhost$/i.test(domain)) return [ok(name, `${domain}: this machine alone, for trying it out`)];
  const [exchanges, texts] = await Promise.all([found(records.mx(domain)), found(records.txt(domain))]);
  if (typeof exchanges === 'string' || typeof texts === 'string') {
    const why = typeof exchanges === 'string' ? exchanges : texts;
    return [warning(name, `${domain} could not be looked up (${why})`, 'Try again where the DNS answers.')];
  }
  if (exchanges.length === 0) {
    const publish = `Publish: ${domain}. IN MX 10 HOST, the host that takes this mail: docs/feedback.md.`;
    return [wrong(name, `${domain} has no MX record: bounces go nowhere`, publish)];
  }
  const hosts = exchanges.map(({ exchange }) => exchange).join(', ');
  if (!texts.some((strings) => /^v=spf1(?: |$)/i.test(strings.join('')))) {
    const publish = `Publish: ${domain}. IN TXT "v=spf1 ... -all" with the hosts that send: docs/feedback.md.`;
    return [warning(name, `${domain} is taken by ${hosts}, and has no SPF record`, publish)];
  }
  return [ok(name, `${domain} is taken by ${hosts}; its SPF is published`)];
}

/** @returns none where there is no such record; the code where nobody answered */
async function found<Answer>(asked: Promise<Answer[]>): Promise<Answer[] | string> {
  try {
    return await asked;
  } catch (error) {
    const { code = 'no answer' } = error as NodeJS.ErrnoException;
    return missing.has(code) ? [] : code;
  }
}

function askDns(): DomainRecords {
  const resolver = new Resolver({ timeout: answerTimeoutMs, tries: 1 });
  return {
    mx: async (domain) => await resolver.resolveMx(domain),
    txt: async (domain) => await resolver.resolveTxt(domain),
  };
}
