import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Wanted } from './debian-programs.ts';
import { idOf, runInPrivateSystem } from './private-system.ts';
import { type RelayRoutes, untilListening } from './relay.ts';

export const postfixWanted: Wanted = { program: 'usr/lib/postfix/sbin/master', packages: ['postfix'] };

const owner = { name: 'postfix', id: 61_101 };
const dropper = { name: 'postdrop', id: 61_102 };
const mailboxOwner = 65_534;

/** Postfix as a relay that gives up at the first try. @returns a function that ends it */
export async function startPostfix(root: string, routes: RelayRoutes): Promise<() => Promise<void>> {
  mkdirSync(join(routes.folder, 'mail'));
  makeFullMailbox(join(routes.folder, 'mail'));
  return await startPostfixWith(root, routes, relaySettings(routes));
}

/**
 * Postfix with queue and configuration of its own.
 * @param settings as in main.cf
 * @returns a function that ends it
 */
export async function startPostfixWith(
  root: string,
  { folder, port }: Pick<RelayRoutes, 'folder' | 'port'>,
  settings: string,
): Promise<() => Promise<void>> {
  for (const name of ['conf', 'queue', 'data']) mkdirSync(join(folder, name));
  chmodSync(folder, 0o755);
  makeQueue(join(folder, 'queue'));
  chownSync(join(folder, 'data'), idOf(owner), 0);
  chmodSync(join(folder, 'data'), 0o700);
  writeFileSync(join(folder, 'conf/main.cf'), `${ownSettings(root, folder)}${settings}`);
  writeFileSync(join(folder, 'conf/master.cf'), services(port));
  const command = [join(root, postfixWanted.program), '-c', join(folder, 'conf'), '-d'];
  const libraries = [join(root, 'usr/lib/postfix')];
  const running = await runInPrivateSystem({ folder, accounts: [owner, dropper], libraries }, command);
  return await untilListening(port, 'Postfix', running);
}

const mailboxMaximum = 200_000;

/** Where everything is, and that nothing is said to any other machine. */
function ownSettings(root: string, folder: string): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
daemon_directory = ${join(root, 'usr/lib/postfix/sbin')}
command_directory = ${join(root, 'usr/sbin')}
shlib_directory = ${join(root, 'usr/lib/postfix')}
mail_owner = ${owner.name}
setgid_group = ${dropper.name}
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example.net
mydestination =
alias_maps =
alias_database =
smtp_dns_support_level = disabled
smtp_host_lookup = native
`;
}

function relaySettings({ folder, bounces, destination, closed, unknown, full }: RelayRoutes): string {
  const to = (port: number): string => `smtp:[127.0.0.1]:${port}`;
  const transports = [
    [bounces.domain, to(bounces.port)],
    [destination.domain, to(destination.port)],
    [closed.address, to(closed.port)],
    [unknown, 'virtual:'],
    [full, 'virtual:'],
  ].map(([address, transport]) => `{${address}=${transport}}`);
  return `mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtp_connect_timeout = 5s
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
transport_maps = inline:{ ${transports.join(' ')} }
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = inline:{ {${full}=full} }
virtual_mailbox_limit = ${mailboxMaximum}
message_size_limit = ${mailboxMaximum}
mailbox_size_limit = 0
virtual_uid_maps = static:${mailboxOwner}
virtual_gid_maps = static:${mailboxOwner}
`;
}

/** Name, whether it is private, of the account (not root) and in a chroot, when it wakes, how many, and the program. */
function services(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}

/** As Postfix's own script makes it. */
function makeQueue(queue: string): void {
  const ofOwner = [
    'active',
    'bounce',
    'corrupt',
    'defer',
    'deferred',
    'flush',
    'hold',
    'incoming',
    'private',
    'saved',
    'trace',
  ];
  for (const name of [...ofOwner, 'maildrop', 'public', 'pid']) mkdirSync(join(queue, name));
  for (const name of ofOwner) {
    chownSync(join(queue, name), idOf(owner), 0);
    chmodSync(join(queue, name), 0o700);
  }
  for (const [name, mode] of [
    ['maildrop', 0o730],
    ['public', 0o710],
  ] as const) {
    chownSync(join(queue, name), idOf(owner), idOf(dropper));
    chmodSync(join(queue, name), mode);
  }
}

function makeFullMailbox(folder: string): void {
  const mailbox = join(folder, 'full');
  writeFileSync(mailbox, Buffer.alloc(mailboxMaximum - 1, '\n'));
  for (const path of [folder, mailbox]) chownSync(path, mailboxOwner, mailboxOwner);
}
