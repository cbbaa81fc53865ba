import { Command, Option } from 'commander';
import { listenFailed } from '../../workers/listen.ts';
import { listenForStop } from '../../workers/stop-request.ts';
import { makeDataFolder } from '../local/data-dir.ts';
import { MailStore } from '../local/mail-catcher/mail-store.ts';
import type { ReturnsOptions } from '../local/mail-catcher/send-back.ts';
import { startCatcherSmtp } from '../local/mail-catcher/smtp.ts';
import { startCatcherWeb } from '../local/mail-catcher/web.ts';
import { createLogger } from '../logging.ts';
import { action, withGlobalFlags } from './command.ts';
import { endProcess } from './end-process.ts';
import { parseWholeNumber } from './flags.ts';
import { parseHostPort } from './host-port.ts';

interface MailCatcherFlags {
  readonly smtp: { readonly host: string; readonly port: number };
  readonly listen: { readonly host: string; readonly port: number };
  readonly allowHost?: readonly string[];
  readonly keep: number;
  readonly returnsTo?: { readonly host: string; readonly port: number };
  readonly returnsFor?: string;
}

/** The mail catcher as a process of its own; `exm up` starts one. */
export function mailCatcherCommand(): Command {
  return withGlobalFlags(new Command('mail-catcher'))
    .description('an SMTP server that keeps all mail to itself, with a web page (part of "exm up")')
    .addOption(
      new Option('--smtp <host:port>', 'where it takes mail')
        .argParser(parseHostPort)
        .default({ host: '127.0.0.1', port: 1025 }, '127.0.0.1:1025'),
    )
    .addOption(
      new Option('--listen <host:port>', 'where its web page is')
        .argParser(parseHostPort)
        .default({ host: '127.0.0.1', port: 8025 }, '127.0.0.1:8025'),
    )
    .option('--allow-host <names...>', 'further names under which the page may be opened')
    .addOption(
      new Option('--keep <messages>', 'newest messages to keep')
        .argParser(parseWholeNumber(1, 1_000_000))
        .default(50_000),
    )
    .addOption(
      new Option(
        '--returns-to <host:port>',
        'where bounces and complaints are taken that you make on the page',
      ).argParser(parseHostPort),
    )
    .option('--returns-for <domain>', 'the domain of the return paths (EXM_BOUNCE_DOMAIN)')
    .addHelpText('after', '\nExample:\n  exm mail-catcher --smtp 127.0.0.1:1025 --listen 127.0.0.1:8025')
    .action(
      action<MailCatcherFlags>(async ({ dataDir }, flags) => {
        const log = createLogger('mail-catcher');
        const stop = listenForStop();
        const store = await MailStore.open({ dir: makeDataFolder(dataDir, 'mail'), keep: flags.keep });
        const smtp = await startCatcherSmtp({ ...flags.smtp, store, log }).catch((cause) => {
          throw listenFailed('--smtp', flags.smtp, cause);
        });
        const web = await startCatcherWeb({
          ...flags.listen,
          store,
          ...(flags.allowHost === undefined ? {} : { allowedHosts: flags.allowHost }),
          returns: returnsOf(flags),
        }).catch((cause) => {
          throw listenFailed('--listen', flags.listen, cause);
        });
        log.info({ address: web.url, smtp: `smtp://${flags.smtp.host}:${smtp.port}` }, 'ready');
        await stop.asked;
        await Promise.all([smtp.close(), web.close()]);
        log.info('stopped');
        endProcess();
      }),
    );
}

function returnsOf({ returnsTo, returnsFor = '' }: MailCatcherFlags): ReturnsOptions | undefined {
  return returnsTo === undefined || returnsFor === '' ? undefined : { ...returnsTo, domain: returnsFor };
}
