#!/usr/bin/env node
// The command `exm`. `npm ci` builds dist/ (script "prepare"); where that was skipped, say so instead of a stack trace.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error(
    `exm is not built: ${fileURLToPath(main)} is missing. Run "npm run build" in ${fileURLToPath(new URL('..', import.meta.url))}.`,
  );
  process.exit(2);
}
await import(main.href);
