import { Command } from 'commander';
import { checkCampaign } from '../campaigns/check-campaign.ts';
import { checkLinkTargets } from '../campaigns/check-link-targets.ts';
import type { Environment } from '../config/environment.ts';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { ExmError, exitCodes, InputError } from '../domain/errors.ts';
import { type CheckOptions, type ContentCheck, checkContent } from '../message/check/check-content.ts';
import {
  type Finding,
  FindingsError,
  findingOf,
  isError,
  sortFindings,
  splitPlace,
} from '../message/check/findings.ts';
import type { CampaignDefinition } from '../message/content.ts';
import { readCampaignFile } from '../message/definition/campaign-file.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { countFindings, showFindings, styleOf } from './show-findings.ts';
import { wrap } from './wrap.ts';

const help = `
Nothing is created, and nothing is sent. Exit code 1 where there are errors, 0 where there are none.
Without a database it cannot see whether the lists exist and whether anybody has the facets; it says so.

Example:
  exm campaign check autumn.yaml --links`;

/** `exm campaign check FILE` */
export function campaignCheckCommand(): Command {
  return withGlobalFlags(new Command('check'))
    .description('say everything that is wrong with a campaign file and its templates')
    .argument('<file>', 'campaign file')
    .option('--links', 'also ask the servers of the links whether their pages exist')
    .addHelpText('after', help)
    .action(
      action<{ links?: boolean }>(async ({ io, env }, flags, file = '') => {
        const { check, unchecked } = await checkFile(env, file, flags.links === true);
        const { findings } = check;
        const errors = findings.filter(isError).length;
        const style = styleOf(process.stdout);
        const notes = unchecked.map((text) => wrap(`Not checked: ${text}`, 0, style.width));
        const summary =
          findings.length === 0 ? `${file}: nothing to complain about` : countFindings(findings);
        const parts = [showFindings(findings, style), notes.join('\n'), summary];
        io.result(
          { file, errors, warnings: findings.length - errors, findings, unchecked },
          parts.filter((part) => part !== '').join('\n\n'),
        );
        if (errors > 0) process.exitCode = exitCodes.failed;
      }),
    );
}

interface CheckedFile {
  readonly check: Pick<ContentCheck, 'findings'>;
  /** What could not be looked at, and why. */
  readonly unchecked: readonly string[];
}

async function checkFile(env: Environment, file: string, withLinks: boolean): Promise<CheckedFile> {
  const { managerRoot, settings } = await loadExmConfig(env['EXM_CONFIG'] || undefined, process.cwd());
  try {
    const lacking: Finding[] = [];
    const { definition, locate } = await readCampaignFile(file, {
      onFileProblem: (problem) => lacking.push(findingOf(problem)),
    });
    const { check, unchecked } = await checkDefinition(env, definition, { locate, managerRoot });
    // What is said of a file that is lacking is said once.
    const lineOf = ({ where, code }: Finding) =>
      [code, splitPlace(where).file, splitPlace(where).line].join();
    const isNew = (one: Finding) => !lacking.some((known) => lineOf(known) === lineOf(one));
    const findings = sortFindings([...lacking, ...check.findings.filter(isNew)]);
    if (!withLinks) return { check: { findings }, unchecked };
    const links = await checkLinkTargets(check.links, {
      baseUrl: env['EXM_BASE_URL'],
      values: definition.values,
      managerRoot,
      deadLinks: settings.checkLinks === 'refuse' ? 'error' : 'warning',
    });
    return { check: { findings: sortFindings([...findings, ...links]) }, unchecked };
  } catch (error) {
    if (error instanceof FindingsError) return { check: error, unchecked: [] };
    // The file itself is not there; everything else has a place in it.
    if (!(error instanceof InputError) || error.code === 'CAMPAIGN_FILE') throw error;
    return { check: { findings: [findingOf(error)] }, unchecked: [] };
  }
}

async function checkDefinition(
  env: Environment,
  definition: CampaignDefinition,
  options: CheckOptions,
): Promise<{ readonly check: ContentCheck; readonly unchecked: readonly string[] }> {
  try {
    return await withDatabase(env, 'campaign check', async (db) => ({
      check: await checkCampaign(db, definition, options),
      unchecked: [],
    }));
  } catch (error) {
    // Without a database much can be said all the same.
    if (!(error instanceof ExmError)) throw error;
    const unchecked = `whether the lists exist, and whether anybody has the facets. ${error.message}`;
    return { check: await checkContent(definition, options), unchecked: [unchecked] };
  }
}
