import { BlockList, isIP } from 'node:net';

/** Addresses of this machine and of networks that are nobody else's business. */
const local = blockList(
  ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['::1/128', 'fc00::/7'],
);

/** Addresses at which no web page is: link-local (cloud providers keep secrets there), multicast, reserved, embedded ones. */
const never = blockList(
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
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0) return false;
  if (local.check(address, family)) return allowLocal;
  return !never.check(address, family);
}

/** Whether an address of the web is one of this machine. */
export function isLocalUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function blockList(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [subnets, family] of [
    [ipv4, 'ipv4'],
    [ipv6, 'ipv6'],
  ] as const) {
    for (const subnet of subnets) {
      const [network = '', bits = ''] = subnet.split('/');
      list.addSubnet(network, Number(bits), family);
    }
  }
  return list;
}
