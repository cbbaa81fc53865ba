import { existsSync } from 'node:fs';
import { packagePath } from '../package-path.ts';

/** Where the build puts the workflows, bundled ahead so that a worker starts without a bundler. */
export const workflowBundlePath = packagePath('dist/workflow-bundle.js');

/** The worker option that loads them: the bundle of the build. */
export function workflowBundle(): { codePath: string } {
  if (!existsSync(workflowBundlePath)) {
    throw new Error(`The workflow bundle ${workflowBundlePath} is missing: run "npm run build".`);
  }
  return { codePath: workflowBundlePath };
}
