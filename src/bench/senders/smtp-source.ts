import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchStage } from '../stage.ts';
import { rate } from './run-senders.ts';

/** Where Postfix's programs lie that are not for everybody's PATH. */
const otherFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec/postfix'];

export const howToInstall =
  "Postfix's smtp-source is not installed: apt-get install postfix, dnf install postfix, or brew install postfix";

/** Postfix's test program for mail servers, written in C. Undefined where it is not installed. */
export function findSmtpSource(env: Readonly<Record<string, string | undefined>> = process.env) {
  const folders = [...(env['PATH'] ?? '').split(delimiter), ...otherFolders];
  return folders.map((folder) => join(folder, 'smtp-source')).find((path) => existsSync(path));
}

/** Sends by it. @returns messages per second from the first accepted one to the last */
export async function runSmtpSource(
  stage: BenchStage,
  program: string,
  task: { readonly connections: number; readonly messages: number; readonly bytes: number },
): Promise<number> {
  const receiver = await stage.receiver();
  await receiver.reset();
  const { connections, messages, bytes } = task;
  const numbers = ['-s', connections, '-m', messages, '-l', bytes].map(String);
  const people = ['-f', 'news@example.com', '-t', 'ada.lovelace@mail1.example.com'];
  // -d: a connection takes message after message.
  await promisify(execFile)(program, ['-d', ...numbers, ...people, `127.0.0.1:${receiver.port}`], {
    signal: stage.signal,
  });
  const counted = await receiver.stats();
  return rate(counted.messages, counted.firstMs, counted.lastMs);
}
