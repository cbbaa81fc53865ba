import { Command } from 'commander';

/** In the order of the help. */
const subcommands: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./campaign-check.ts')).campaignCheckCommand(),
  create: async () => (await import('./campaign-create.ts')).campaignCreateCommand(),
  show: async () => (await import('./campaign-show.ts')).campaignShowCommand(),
  audience: async () => (await import('./campaign-audience.ts')).campaignAudienceCommand(),
  preview: async () => (await import('./campaign-preview.ts')).campaignPreviewCommand(),
  test: async () => (await import('./campaign-test.ts')).campaignTestCommand(),
  start: async () => (await import('./campaign-start.ts')).campaignStartCommand(),
  pause: async () => (await import('./campaign-control.ts')).campaignControlCommand('pause'),
  resume: async () => (await import('./campaign-control.ts')).campaignControlCommand('resume'),
  cancel: async () => (await import('./campaign-control.ts')).campaignControlCommand('cancel'),
  winner: async () => (await import('./campaign-winner.ts')).campaignWinnerCommand(),
  status: async () => (await import('./campaign-status.ts')).campaignStatusCommand(),
  watch: async () => (await import('./campaign-watch.ts')).campaignWatchCommand(),
  audit: async () => (await import('./campaign-audit.ts')).campaignAuditCommand(),
  ls: async () => (await import('./campaign-ls.ts')).campaignListCommand(),
};

/** @param called the one that is called: no other is loaded. Left out, or none of these: all, for the help shows their arguments. */
export async function campaignCommand(called?: string): Promise<Command> {
  const command = new Command('campaign').description('check, create, start, steer and watch campaigns');
  const load = called !== undefined && Object.hasOwn(subcommands, called) ? subcommands[called] : undefined;
  for (const one of load === undefined ? Object.values(subcommands) : [load]) command.addCommand(await one());
  return command;
}
