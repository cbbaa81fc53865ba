import { Command } from 'commander';
import { generateKeys } from '../config/keys.ts';
import { action, withGlobalFlags } from './command.ts';
import { dkimKeyCommand } from './keys-dkim.ts';

export function keysCommand(): Command {
  const keys = new Command('keys').description('the keys of an installation');
  withGlobalFlags(keys.command('generate'))
    .description('print three new random keys as environment variables')
    .addHelpText('after', '\nExample:\n  exm keys generate >> exm.env')
    .action(
      action(async ({ io }) => {
        const generated = generateKeys();
        io.result(
          generated,
          Object.entries(generated)
            .map(([name, value]) => `${name}=${value}`)
            .join('\n'),
        );
      }),
    );
  keys.addCommand(dkimKeyCommand());
  return keys;
}
