import { BlockList, isIP } from 'node:net';

/** Addresses of this machine and of networks that are nobody else's business. */
const local = blockLists(
  ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['::1/128', 'fc00::/7'],
);

/** Addresses at which no web page is: link-local (cloud providers keep secrets there), multicast, reserved, embedded ones. */
const never = blockLists(
  [
    '0.0.0.0/8',
    '100.64.0.0/10',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  [
    '::/128',
    '::/96',
    '::ffff:0:0/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/32',
    '2001:db8::/32',
    '2002::/16',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
  ],
);

/** Whether a page may be asked for at an IP address. @param allowLocal for installations that are on this machine themselves */
export function mayAsk(address: string, allowLocal: boolean): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (local[family].check(address, family)) return allowLocal;
  return !never[family].check(address, family);
}

/** Whether an address of the web is that of a site, or of a page of it. */
export function isBelow(url: string, site: string): boolean {
  const start = site.replace(/\/+$/, '');
  return url.startsWith(start) && /^(?:[/?#]|$)/.test(url.slice(start.length));
}

/** Whether an address of the web is one of this machine. */
export function isLocalUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** One list for each family: a list of both takes IPv4 addresses for those embedded in IPv6. */
function blockLists(ipv4: readonly string[], ipv6: readonly string[]): Record<'ipv4' | 'ipv6', BlockList> {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  const add = (subnets: readonly string[], family: 'ipv4' | 'ipv6') => {
    for (const subnet of subnets) {
      const [network = '', bits = ''] = subnet.split('/');
      lists[family].addSubnet(network, Number(bits), family);
    }
  };
  add(ipv4, 'ipv4');
  add(ipv6, 'ipv6');
  return lists;
}
