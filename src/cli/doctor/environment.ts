import { readFileSync } from 'node:fs';
import { type Environment, environmentFile } from '../../config/environment.ts';
import { earlierKeysVariable, generateKeys, keyVariables, readKeys } from '../../config/keys.ts';
import { readSettings, settingVariables } from '../../config/settings.ts';
import { hidePassword } from '../../db/connect.ts';
import { packagePath } from '../../package-path.ts';
import { type Check, ok, warning, wrong, wrongBecause } from './check.ts';

/** Node.js against the oldest version that package.json names, such as `>=20.19`. */
export function checkNode(version = process.versions.node): Check {
  const { engines } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const oldest = engines.node.replace(/^>=/, '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);
  const enough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return enough ? ok('Node.js', version) : wrong('Node.js', version, `Install version ${oldest} or later.`);
}

/** Variables that are not settings of the servers but may be set. */
const otherVariables = [
  'EXM_CACHE_DIR',
  'EXM_DATA_DIR',
  'EXM_DEBUG',
  'EXM_LOG_LEVEL',
  'EXM_MAIL_URL',
  'EXM_REPORT_URL',
  'EXM_SUPERVISOR',
  'EXM_UI_URL',
];

/** Values for all that must be set, so that one variable at a time can be looked at. */
const sample: Environment = { DATABASE_URL: 'postgres://x/x', EXM_BASE_URL: 'http://x' };
/** What to do where a variable is not set that has to be. */
const unsetTodo = 'Set it, or run this where "exm up" runs, which sets it.';
const unsetKeyTodo =
  'Make keys with "exm keys generate" and give every process the same ones, or run this where "exm up" runs.';
const unsetMeans: Readonly<Record<string, string>> = {
  EXM_UNSUBSCRIBE_ADDRESS:
    'not set; without EXM_BOUNCE_DOMAIN one unsubscribes by links and buttons, not by mail',
  EXM_BOUNCE_DOMAIN: 'not set; bounces go to the sender of each campaign, and nobody here hears of them',
  EXM_SENDER: 'not set; nobody can subscribe by the forms at /s/NAME',
  EXM_SMTP_URL: 'not set; a dispatcher on this host needs --smtp',
  EXM_QUEUE_PREFIX: 'not set; "exm" is used',
  EXM_DKIM_DOMAIN: 'not set; messages are not signed here',
  EXM_CONFIG: 'not set; exm.config.ts is looked for in the current folder',
};

/** Every variable on a line of its own, with where it comes from; passwords and keys are not shown. */
export function checkEnvironment(env: Environment, real: Environment, dataDir: string): Check[] {
  const source = (name: string) => (real[name] === undefined ? ` (from ${environmentFile(dataDir)})` : '');
  const settings = settingVariables.map((name) => {
    const value = env[name];
    try {
      readSettings({ ...generateKeys(), ...sample, [name]: value });
    } catch (error) {
      if (!value) return wrong(name, 'not set', unsetTodo);
      const todo = 'Correct it. Where "exm up" runs it need not be set at all.';
      return wrong(name, (error as Error).message.replace(`${name} `, ''), todo);
    }
    if (!value) return ok(name, unsetMeans[name] ?? 'not set');
    return ok(name, (name.endsWith('_URL') ? hidePassword(value) : value) + source(name));
  });
  const known = new Set([
    ...settingVariables,
    ...Object.values(keyVariables),
    earlierKeysVariable,
    ...otherVariables,
  ]);
  const unknown = Object.keys(env)
    .filter((name) => name.startsWith('EXM_') && !known.has(name))
    .map((name) => warning(name, 'is not a variable of this program', 'Look for a slip of the pen.'));
  return [...settings, ...checkKeys(env, source), ...unknown];
}

function checkKeys(env: Environment, source: (name: string) => string): Check[] {
  const checks = Object.values(keyVariables).map((name) => {
    try {
      readKeys({ ...generateKeys(), [name]: env[name] });
      return ok(name, `set${source(name)}`);
    } catch (error) {
      if (!env[name]) return wrong(name, 'not set', unsetKeyTodo);
      return wrongBecause(name, error, 'Generate keys with "exm keys generate".');
    }
  });
  if (checks.some((check) => check.status !== 'ok')) return checks;
  try {
    const { earlier } = readKeys(env);
    if (earlier.length === 0) return checks;
    const pairs = `${earlier.length} ${earlier.length === 1 ? 'pair' : 'pairs'} for mail that was sent before`;
    return [...checks, ok(earlierKeysVariable, `${pairs}${source(earlierKeysVariable)}`)];
  } catch (error) {
    return [...checks, wrongBecause('Keys', error, 'Generate keys with "exm keys generate".')];
  }
}
