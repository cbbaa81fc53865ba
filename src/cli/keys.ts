import { Command } from 'commander';
import { generateKeys, rotateKeys } from '../config/keys.ts';
import { action, withGlobalFlags } from './command.ts';
import { dkimKeyCommand } from './keys-dkim.ts';

const rotateHelp = `
It changes nothing by itself. Give all processes what it prints, and restart them
one after another, best content-delivery and processing first: dispatchers with
new keys wait for them. Where "exm up" runs, stop it, and start it after
  (umask 077; exm keys rotate > keys.new) && mv keys.new .exm/keys`;

export function keysCommand(): Command {
  const keys = new Command('keys').description('the keys of an installation');
  withGlobalFlags(keys.command('generate'))
    .description('print three new random keys as environment variables')
    .addHelpText('after', '\nExample:\n  exm keys generate >> exm.env')
    .action(
      action(async ({ io }) => {
        const generated = generateKeys();
        io.result(generated, asLines(generated));
      }),
    );
  withGlobalFlags(keys.command('rotate'))
    .description(
      'print new keys for links, and the present ones as earlier ones: mail that was sent works on',
    )
    .addHelpText('after', rotateHelp)
    .action(
      action(async ({ io, env }) => {
        const rotated = rotateKeys(env);
        io.result(rotated, asLines(rotated));
      }),
    );
  keys.addCommand(dkimKeyCommand());
  return keys;
}

function asLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}
