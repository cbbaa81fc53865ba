import type { Finding } from '../message/check/findings.ts';
import type { PlacedLink } from '../message/check/links.ts';
import { createLiquid, scopeObject } from '../message/render/liquid.ts';
import { askForPage, type PageAnswer } from './ask-for-page.ts';
import { isBelow, isLocalUrl } from './public-address.ts';

export interface LinkTargetOptions {
  /** Public address of content-delivery: links to it are our own. Undefined where it is not known. */
  readonly baseUrl: string | undefined;
  /** Campaign values. */
  readonly values: Readonly<Record<string, string>>;
  /** The manager root's values. */
  readonly managerRoot: Readonly<Record<string, string>>;
  /** What a link is whose page does not exist. */
  readonly deadLinks: Finding['severity'];
  /** How long all of it may take, milliseconds. */
  readonly patienceMs?: number | undefined;
}

/** Links that are looked at, and how many at a time. */
const linksMaximum = 200;
const atOnce = 8;
const defaultPatienceMs = 10_000;
/** Names that are reserved for examples (RFC 2606, RFC 6761): nothing answers there, and nobody expects it. */
const exampleHost = /(?:^|\.)(?:example|test|invalid|example\.(?:com|net|org))\.?$/i;

/**
 * Asks the servers of a campaign's links whether their pages exist. Whoever does not answer, is ill, or wants no robots
 * is given the benefit of the doubt. Links with anything of a contact's are not asked for, because to follow them may do
 * something, nor are those to our own pages.
 */
export async function checkLinkTargets(
  links: readonly PlacedLink[],
  options: LinkTargetOptions,
): Promise<Finding[]> {
  const { baseUrl, patienceMs = defaultPatienceMs } = options;
  const fill = filler(options);
  const targets = new Map<string, PlacedLink>();
  for (const link of links) {
    const url = fill(link.address);
    if (url === undefined || (baseUrl !== undefined && isBelow(url, baseUrl))) continue;
    if (!URL.canParse(url) || exampleHost.test(new URL(url).hostname) || targets.has(url)) continue;
    targets.set(url, link);
  }
  const deadline = AbortSignal.timeout(patienceMs);
  const findings: Finding[] = [];
  const waiting = [...targets].slice(0, linksMaximum);
  let unasked = targets.size - waiting.length;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [url, { where }] = next;
      if (deadline.aborted) {
        unasked++;
        continue;
      }
      const allowLocal = baseUrl !== undefined && isLocalUrl(baseUrl);
      const answer = await askForPage(url, {
        allowLocal,
        ...(baseUrl === undefined ? {} : { stopAt: baseUrl }),
        deadline,
      });
      const finding = judge(url, answer, options.deadLinks);
      if (finding !== undefined) findings.push({ ...finding, where });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (unasked > 0) findings.push(unaskedLinks(unasked, [...targets.values()].at(-1)?.where ?? 'campaign'));
  return findings;
}

/** Fills in a link that is the same for everybody; undefined for others. */
function filler({ values, managerRoot }: LinkTargetOptions): (address: string) => string | undefined {
  const liquid = createLiquid({ output: 'plain' });
  return (address) => {
    if (!/\{\{|\{%/.test(address)) return address;
    const tokens = liquid.globalFullVariablesSync(address);
    const isSame = (token: string) =>
      /^(?:campaign|managerRoot)\b/.test(token) && !/^campaign\.(?:id|name)$/.test(token);
    if (!tokens.every(isSame)) return undefined;
    try {
      const scope = scopeObject({
        campaign: scopeObject({ ...values, values: scopeObject(values) }),
        managerRoot: scopeObject(managerRoot),
      });
      return String(liquid.parseAndRenderSync(address, scope)).trim();
    } catch {
      return undefined;
    }
  };
}

function judge(
  url: string,
  answer: PageAnswer,
  deadLinks: Finding['severity'],
): Omit<Finding, 'where'> | undefined {
  const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url;
  switch (answer.kind) {
    case 'answered': {
      const { status } = answer;
      if (status === 404 || status === 410) {
        const message = `the link ${shown} is dead: its server answers ${status}, there is no such page.`;
        return { severity: deadLinks, code: 'LINK_DEAD', message, hint: 'Open it, and correct the address.' };
      }
      return status >= 500 && status <= 599 ? unreachable(shown, `its server answers ${status}`) : undefined;
    }
    case 'private': {
      const message = `the link ${shown} leads to an address that only this machine or its network reaches; it was not looked at.`;
      const hint = 'Give it the address under which readers find it.';
      return { severity: 'warning', code: 'LINK_PRIVATE', message, hint };
    }
    case 'silent':
      return unreachable(shown, answer.reason);
  }
}

function unreachable(url: string, reason: string): Omit<Finding, 'where'> {
  return {
    severity: 'warning',
    code: 'LINK_UNREACHABLE',
    message: `the link ${url} could not be looked at: ${reason}.`,
    hint: 'Open it. From a host without a way to the web, switch the setting checkLinks off.',
  };
}

function unaskedLinks(count: number, where: string): Finding {
  return {
    severity: 'warning',
    code: 'LINK_UNCHECKED',
    where,
    message: `${count} ${count === 1 ? 'link was' : 'links were'} not looked at: there was no time for more.`,
    hint: 'Run "exm campaign check FILE --links", or open them yourself.',
  };
}
