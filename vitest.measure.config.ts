import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Measurements, each by a command of its own: `npm run measure:control`. */
const { test } = base;
export default mergeConfig(
  { test: { ...test, include: [] } },
  defineConfig({ test: { include: ['test/measure/**/*.measure.ts'] } }),
);
