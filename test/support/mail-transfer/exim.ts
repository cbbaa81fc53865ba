import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Wanted } from './debian-programs.ts';
import { idOf, runInPrivateSystem } from './private-system.ts';
import { type RelayRoutes, untilListening } from './relay.ts';

export const eximWanted: Wanted = {
  program: 'usr/sbin/exim4',
  packages: ['exim4-daemon-light', 'libidn12', 'libgnutls-dane0', 'libunbound8', 'libevent-2.1-7'],
};

/** Debian's Exim knows its account by this name alone. */
const owner = { name: 'Debian-exim', id: 61_103 };

/** Exim with queue and configuration of its own, which gives up at the first try. @returns a function that ends it */
export async function startExim(root: string, routes: RelayRoutes): Promise<() => Promise<void>> {
  const { folder, port } = routes;
  chmodSync(folder, 0o755);
  for (const name of ['spool', 'log', 'mail']) {
    mkdirSync(join(folder, name));
    chownSync(join(folder, name), idOf(owner), idOf(owner));
  }
  const mailbox = join(folder, 'mail/full');
  writeFileSync(mailbox, Buffer.alloc(3_000, '\n'));
  chownSync(mailbox, idOf(owner), idOf(owner));
  const configuration = join(folder, 'exim.conf');
  writeFileSync(configuration, configurationOf(root, routes));
  const libraries = [join(root, 'usr/lib/x86_64-linux-gnu'), join(root, 'usr/lib/aarch64-linux-gnu')];
  const command = [join(root, eximWanted.program), '-C', configuration, '-bdf', '-q1s'];
  const running = await runInPrivateSystem({ folder, accounts: [owner], libraries }, command);
  return await untilListening(port, 'Exim', running);
}

/** Without retry rules nothing is tried twice. Nothing needs root: all mailboxes belong to the account. */
function configurationOf(root: string, routes: RelayRoutes): string {
  const { folder, port, bounces, destination, closed, unknown, full } = routes;
  return `exim_path = ${join(root, eximWanted.program)}
exim_user = ${owner.name}
exim_group = ${owner.name}
deliver_drop_privilege = true
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/spool/pid
keep_environment =
primary_hostname = mta.example.net
local_interfaces = 127.0.0.1
disable_ipv6 = true
daemon_smtp_ports = ${port}
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin routers
full:
  driver = accept
  condition = \${if eqi{$local_part@$domain}{${full}}}
  transport = full
closed:
  driver = manualroute
  condition = \${if eqi{$local_part@$domain}{${closed.address}}}
  transport = smtp
  self = send
  route_list = * 127.0.0.1::${closed.port} byname
relay:
  driver = manualroute
  domains = ${destination.domain} : ${bounces.domain}
  condition = \${if !eqi{$local_part@$domain}{${unknown}}}
  transport = smtp
  self = send
  route_list = ${destination.domain} 127.0.0.1::${destination.port} byname ; ${bounces.domain} 127.0.0.1::${bounces.port} byname

begin transports
smtp:
  driver = smtp
  allow_localhost
  connect_timeout = 5s
full:
  driver = appendfile
  file = ${folder}/mail/full
  user = ${owner.name}
  group = ${owner.name}
  quota = 1K

begin retry
`;
}
