import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { dkimDomain, dkimSelector, dkimVariables, rsaMinimumBits } from '../config/dkim-key.ts';
import { InputError } from '../domain/errors.ts';
import { asDnsStrings, dkimRecord, dkimRecordName } from '../message/dkim/dkim-record.ts';
import { action, withGlobalFlags } from './command.ts';

interface Flags {
  readonly domain: string;
  readonly selector: string;
  readonly type: 'rsa' | 'ed25519';
  readonly out?: string;
}

export function dkimKeyCommand(): Command {
  return withGlobalFlags(new Command('dkim'))
    .description('make a key that signs messages by DKIM, and print the DNS record to publish')
    .requiredOption('--domain <domain>', "the senders' domain", given(dkimDomain))
    .requiredOption('--selector <name>', 'a name for the key, new for each key', given(dkimSelector))
    .addOption(
      new Option('--type <type>', 'ed25519 is faster, and few mail providers check it')
        .choices(['rsa', 'ed25519'])
        .default('rsa'),
    )
    .option('--out <file>', 'where the private key goes (default: DOMAIN.SELECTOR.pem)')
    .addHelpText('after', '\nExample:\n  exm keys dkim --domain example.com --selector mail-2026')
    .action(
      action<Flags>(async ({ io }, { domain, selector, type, out }) => {
        const privateKey = await newKey(type);
        const keyFile = resolve(out ?? `${domain}.${selector}.pem`);
        writeKey(keyFile, privateKey);
        const name = dkimRecordName({ domain, selector });
        const record = dkimRecord(createPublicKey(privateKey));
        const environment = {
          [dkimVariables.domain]: domain,
          [dkimVariables.selector]: selector,
          [dkimVariables.keyFile]: keyFile,
        };
        io.result(
          { keyFile, record: { name, type: 'TXT', value: record }, environment },
          `The private key is in ${keyFile}. It leaves the dispatchers for nowhere.

Publish this record in DNS:
${name}. IN TXT ( ${asDnsStrings(record)} )

When it can be seen, set for every dispatcher that is to sign:
${Object.entries(environment)
  .map(([variable, value]) => `${variable}=${value}`)
  .join('\n')}`,
        );
      }),
    );
}

function given({ form, expected }: { form: RegExp; expected: string }): (text: string) => string {
  return (text) => {
    if (form.test(text)) return text.toLowerCase();
    throw new InvalidArgumentError(`It ${expected}.`);
  };
}

async function newKey(type: Flags['type']): Promise<KeyObject> {
  const { privateKey } =
    type === 'rsa'
      ? await promisify(generateKeyPair)('rsa', { modulusLength: rsaMinimumBits })
      : await promisify(generateKeyPair)('ed25519');
  return privateKey;
}

/** A key that is there already is never written over: mail on its way is signed with it. */
function writeKey(file: string, key: KeyObject): void {
  try {
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new InputError(
      'DKIM_KEY_FILE',
      `The DKIM key file ${file} ${isThere ? 'is there already' : `cannot be written: ${(error as Error).message}`}.`,
      { field: '--out', value: file, hint: 'Take a new selector, or name another file with --out.' },
    );
  }
}
