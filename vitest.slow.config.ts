import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Tests that take a minute or more each: `npm run test:slow`. */
const { test } = base;
export default mergeConfig(
  { test: { ...test, include: [] } },
  defineConfig({ test: { include: ['test/slow/**/*.slow.ts'], testTimeout: 600_000 } }),
);
