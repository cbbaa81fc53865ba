import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createJiti } from 'jiti';
import type { SendLimits } from '../contacts/audience/send-limit.ts';
import { InputError } from '../domain/errors.ts';
import { builtInPipelines } from '../domain/pipeline.ts';
import { checkExmConfig, describeViolation } from './check-exm-config.ts';
import type { Violation } from './check-pipelines.ts';
import { defaultConfigSettings, type ExmConfig, type ResolvedConfig } from './exm-config.ts';

/** Looked for in this order where EXM_CONFIG names no file. */
const defaultNames = ['exm.config.ts', 'exm.config.js', 'exm.config.mjs'] as const;

/** A configuration file that could be read, with everything that is wrong in it. */
export interface InspectedConfig {
  /** Undefined where there is none, and the built-in configuration is used. */
  readonly path: string | undefined;
  /** Undefined where something is wrong. */
  readonly config: ResolvedConfig | undefined;
  readonly violations: readonly Violation[];
}

/**
 * Loads and checks the configuration file: `file` (EXM_CONFIG), or the first of exm.config.ts, .js and .mjs in `cwd`,
 * or the built-in configuration where there is none. The file may `import { defineConfig } from 'exm-dispatch'`
 * wherever it lies, without that package being installed there.
 *
 * @throws InputError that names the file and, for everything that is wrong in it, the key, the value and what is
 * expected.
 */
export async function loadExmConfig(file: string | undefined, cwd: string): Promise<ResolvedConfig> {
  const { path, config, violations } = await inspectExmConfig(file, cwd);
  if (config !== undefined) return config;
  const [first] = violations;
  throw new InputError(
    'CONFIG_WRONG',
    `The configuration file ${path} is wrong:\n${violations.map((one) => `  ${describeViolation(one)}`).join('\n')}`,
    { field: `${path}: ${first?.key}`, value: first?.value, hint: correctionHint },
  );
}

/** What to do about a violation. */
export const correctionHint = 'Correct the file; the types of defineConfig describe every key.';

/**
 * As `loadExmConfig`, but what is wrong in the file is returned.
 * @throws InputError CONFIG_MISSING, CONFIG_UNREADABLE; CONFIG_WRONG where it exports nothing
 */
export async function inspectExmConfig(file: string | undefined, cwd: string): Promise<InspectedConfig> {
  const path = findFile(file, cwd);
  if (path === undefined) return { path, config: resolveConfig({}), violations: [] };
  const checked = checkExmConfig(await importDefault(path));
  return 'config' in checked
    ? { path, config: resolveConfig(checked.config), violations: [] }
    : { path, config: undefined, violations: checked.violations };
}

function findFile(file: string | undefined, cwd: string): string | undefined {
  if (file === undefined) {
    return defaultNames.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate));
  }
  const path = resolve(cwd, file);
  if (existsSync(path)) return path;
  throw new InputError('CONFIG_MISSING', `The configuration file ${path} does not exist.`, {
    field: 'EXM_CONFIG',
    value: file,
    hint: 'Correct EXM_CONFIG, or leave it out to use exm.config.ts in the working directory, if there is one.',
  });
}

async function importDefault(path: string): Promise<unknown> {
  const exmDispatch = await import('../index.ts');
  const jiti = createJiti(path, {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    // The very modules of this program, so that an error thrown by a custom step is of the class we know.
    virtualModules: { 'exm-dispatch': exmDispatch, 'exm-dispatch/client': exmDispatch },
  });
  let loaded: Record<string, unknown>;
  try {
    loaded = await jiti.import<Record<string, unknown>>(path);
  } catch (cause) {
    const place = placeOf(cause);
    const where =
      place === undefined ? '' : `${place.file === path ? '' : `${place.file}, `}line ${place.line}: `;
    throw new InputError(
      'CONFIG_UNREADABLE',
      `The configuration file ${path} cannot be loaded: ${where}${firstLine(cause)}`,
      {
        field: place === undefined ? path : `${place.file}:${place.line}`,
        hint: 'Correct the file; it must be a TypeScript or JavaScript module.',
        cause,
      },
    );
  }
  if (loaded.default === undefined) {
    throw new InputError('CONFIG_WRONG', `The configuration file ${path} has no default export.`, {
      field: `${path}: default export`,
      hint: "Write: import { defineConfig } from 'exm-dispatch'; export default defineConfig({ ... });",
    });
  }
  return loaded.default;
}

function resolveConfig(config: ExmConfig): ResolvedConfig {
  return {
    pipelines: { ...builtInPipelines, ...withoutUndefined(config.pipelines) },
    steps: config.steps ?? {},
    processors: config.processors ?? {},
    managerRoot: config.managerRoot?.values ?? {},
    dispatchManager: config.dispatchManager,
    settings: {
      ...defaultConfigSettings,
      ...withoutUndefined(config.settings),
      sendLimits: resolveLimits(config.managerRoot?.sendLimits),
    },
  };
}

function resolveLimits(limits: NonNullable<ExmConfig['managerRoot']>['sendLimits']): SendLimits | undefined {
  return limits === undefined ? undefined : { timeZone: 'UTC', ...withoutUndefined(limits) };
}

function withoutUndefined<T extends object>(value: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, one]) => one !== undefined)) as Partial<T>;
}

function firstLine(error: unknown): string {
  return (String((error as Error | undefined)?.message ?? error).split('\n')[0] ?? '').trim();
}

/** Where in the operator's own files an error comes from: what its stack has of others is passed over. */
function placeOf(error: unknown): { readonly file: string; readonly line: string } | undefined {
  const stack = String((error as Error | undefined)?.stack ?? '');
  for (const [, file = '', line = ''] of stack.matchAll(
    /(?:^|[\s(])(\/[^\n()]*|[A-Za-z]:\\[^\n()]*):(\d+):\d+/g,
  ))
    if (!file.includes('node_modules')) return { file, line };
  return undefined;
}
