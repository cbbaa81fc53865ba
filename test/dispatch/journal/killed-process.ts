import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { packagePath } from '../../../src/package-path.ts';

/** Runs a process that writes a journal into a folder and is killed. */
export async function killedProcess(dir: string, script: string): Promise<void> {
  await (await startedProcess(dir, script)).kill();
}

/** Runs a process that writes a journal into a folder, until it is killed. */
export async function startedProcess(dir: string, script: string) {
  const module = pathToFileURL(packagePath('dist/src/dispatch/journal/journal.js')).href;
  const source = `
    import { Journal } from ${JSON.stringify(module)};
    const log = { error: console.error, warn: console.error, info() {} };
    const journal = new Journal({ dir: ${JSON.stringify(dir)}, server: 'killed', log });
    const sent = (position, contactId, kind = 'sent') =>
      ({ position, contactId, at: new Date(), outcome: { kind, reply: '250 ok', messageId: '<' + position + '@x>' } });
    ${script}
    await journal.appended();
    console.log('written');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const answer = async () =>
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('close', () => reject(new Error('the process ended by itself')));
    });
  await answer();
  return {
    async answerTo(text: string) {
      child.stdin.write(text);
      await answer();
    },
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
