import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { dkimRecord, dkimRecordName } from '../../src/message/dkim/dkim-record.ts';

/** Why there is no Mail::DKIM to ask, the verifier of SpamAssassin and amavis; undefined where there is. */
export const noMailDkim: string | undefined = (() => {
  const found = spawnSync('perl', ['-MMail::DKIM::Verifier', '-MNet::DNS', '-e', '1']);
  return found.error === undefined && found.status === 0 ? undefined : "Perl's Mail::DKIM is not installed";
})();

const script = `
use strict; use warnings; use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
my ($name, $record) = @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        return lc $_[0] eq lc $name ? (Net::DNS::RR->new(name => $_[0], type => 'TXT', txtdata => [$record =~ /.{1,255}/g])) : ();
    };
}
binmode STDIN;
local $/;
my $verifier = Mail::DKIM::Verifier->new;
$verifier->PRINT(scalar <STDIN>);
$verifier->CLOSE;
print $verifier->result_detail;
`;

/** What Mail::DKIM says of a message, where DNS has this key's record and nothing else: `pass`, or what is wrong. */
export function mailDkimResult(
  raw: Buffer,
  published: { domain: string; selector: string; privateKey: KeyObject },
): string {
  const record = dkimRecord(createPublicKey(published.privateKey));
  const options = { input: raw, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
  return execFileSync('perl', ['-e', script, dkimRecordName(published), record], options).toString();
}
