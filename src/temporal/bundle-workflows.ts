// Run by `npm run build` after the compiler: bundles the compiled workflows for the workers.
import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { packagePath } from '../package-path.ts';
import { workflowBundlePath } from './workflow-bundle.ts';

const mapPrefix = ';base64,';
const quiet = () => undefined;
const logger = {
  log: quiet,
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: console.warn,
  error: console.error,
};
const { code } = await bundleWorkflowCode({ workflowsPath: packagePath('dist/workflows/index.js'), logger });
await writeFile(workflowBundlePath, withoutSources(code));

/**
 * The bundle's source map without the sources themselves: only their lines are looked up, for stack traces, and each
 * worker process would keep three copies of them (some ten megabytes).
 */
function withoutSources(bundle: string): string {
  const start = bundle.lastIndexOf(mapPrefix) + mapPrefix.length;
  if (start < mapPrefix.length)
    throw new Error('the workflow bundle has no source map where one is expected');
  const { sourcesContent: _, ...map } = JSON.parse(Buffer.from(bundle.slice(start), 'base64').toString()) as {
    sourcesContent?: unknown;
  };
  return bundle.slice(0, start) + Buffer.from(JSON.stringify(map)).toString('base64');
}
