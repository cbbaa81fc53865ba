// Run by `npm run build` after the compiler: bundles the compiled workflows for the workers.
import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { packagePath } from '../package-path.ts';
import { workflowBundlePath } from './workflow-bundle.ts';

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
await writeFile(workflowBundlePath, code);
