import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll } from 'vitest';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Chromium as the system has it; undefined where it has none. */
export const browserPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((dir) => names.map((name) => join(dir, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Why tests in a browser are skipped, as part of their name. */
export const browserNote = browserPath === undefined ? ' (skipped: no Chromium on PATH)' : '';

/** Only ends a test that hangs, on a machine that may be slow. Milliseconds. */
const patienceMs = 110_000;

export interface ObservedPage {
  readonly page: Page;
  /** What the browser had to complain about: errors of the console, violations of a policy, requests that failed. */
  readonly complaints: string[];
}

/** One browser for the tests of a file, started when the first page is asked for. */
export function useBrowser(): { open(options?: BrowserContextOptions): Promise<ObservedPage> } {
  let started: Promise<Browser> | undefined;
  afterAll(async () => await (await started)?.close());
  return {
    async open(options = {}) {
      started ??= chromium.launch({
        executablePath: browserPath ?? '',
        timeout: patienceMs,
        // Its sandbox cannot be had as root.
        args: [
          '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
          ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ],
      });
      const context = await (await started).newContext(options);
      context.setDefaultTimeout(patienceMs);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('requestfailed', (request) =>
        complaints.push(`${request.url()}: ${request.failure()?.errorText}`),
      );
      return { page, complaints };
    },
  };
}
