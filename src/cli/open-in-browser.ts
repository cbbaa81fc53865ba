import { spawn } from 'node:child_process';
import type { Environment } from '../config/environment.ts';

/** Shows a file in the person's browser. @returns why it was not opened; undefined where it was */
export async function openInBrowser(file: string, env: Environment): Promise<string | undefined> {
  const program = openerOf(env);
  if (program === undefined) return 'there is no display here';
  const child = spawn(program, [file], { stdio: 'ignore', detached: true });
  return await new Promise((resolve) => {
    child.once('error', (error) => resolve(`${program} cannot be run (${Reflect.get(error, 'code')})`));
    child.once('spawn', () => {
      child.unref();
      resolve(undefined);
    });
  });
}

/** The program that opens files as the person has set; on Unix only where there is a display. */
function openerOf(env: Environment): string | undefined {
  if (process.platform === 'darwin') return 'open';
  if (process.platform === 'win32') return 'explorer';
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? 'xdg-open' : undefined;
}
