import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { earlierKeysVariable, generateKeys, keyVariables } from '../src/config/keys.ts';
import { settingVariables } from '../src/config/settings.ts';
import { supervisorPatienceMs } from '../src/domain/stop-times.ts';
import { packagePath } from '../src/package-path.ts';
import { roles } from '../workers/runtime.ts';
import { runExm } from './support/installation.ts';

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
  readonly volumes?: readonly string[];
  readonly privileged?: boolean;
  readonly stop_grace_period?: string;
}

const text = readFileSync(packagePath('docker-compose.yml'), 'utf8');
const file = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(file.services);
const own = services.filter(([, { image }]) => image === 'exm-dispatch');
const roleOf = ({ command }: Service) => (command?.[0] === 'worker' ? command[1] : undefined);

describe('docker-compose.yml', () => {
  it('holds against the schema of the Compose Specification', () => {
    // Written for an older dialect, in which `id` named a schema; its references do without.
    const schema = JSON.parse(
      readFileSync(packagePath('test/fixtures/compose-spec.json'), 'utf8'),
      (key, value: unknown) =>
        (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    );
    const validate = new Ajv2019({
      strict: false,
      validateFormats: false,
      allErrors: true,
    }).compile(schema);
    expect(validate(file) ? [] : validate.errors).toEqual([]);
    // The schema does reject what is wrong.
    expect(validate({ services: { primary: { comand: ['worker'] } } })).toBe(false);
  });

  it('has one service for each role', () => {
    expect(
      own
        .map(([, service]) => roleOf(service))
        .filter((role) => role !== undefined)
        .sort(),
    ).toEqual([...roles].sort());
  });

  it('lets a container be replaced, and what it kept for a database that was away is there for the next', () => {
    for (const name of ['dedicated-dispatch', 'content-delivery']) {
      expect(file.services[name]?.volumes, name).toEqual(['journals:/data/journal']);
    }
  });

  it('publishes on this host alone', () => {
    for (const [name, { ports = [] }] of services) {
      for (const port of ports) expect(`${name} ${port}`).toMatch(/ 127\.0\.0\.1:\d+:\d+$/);
    }
  });

  it('lets dedicated-dispatch be scaled: no name and no port of its own', () => {
    const service = file.services['dedicated-dispatch'];
    expect(service?.container_name).toBeUndefined();
    expect(service?.ports).toBeUndefined();
    expect(service?.command).not.toContain('--name');
  });

  it('gives each role the time that a planned stop may take', () => {
    for (const [name, service] of own.filter(([, one]) => roleOf(one) !== undefined)) {
      expect(durationMs(service.stop_grace_period), name).toBe(supervisorPatienceMs);
    }
  });

  it('migrates once before any role starts', () => {
    expect(file.services['migrate']?.command).toEqual(['migrate']);
    for (const [name, service] of own.filter(([, one]) => roleOf(one) !== undefined)) {
      expect(service.depends_on?.['migrate'], name).toEqual({ condition: 'service_completed_successfully' });
      expect(service.depends_on?.['temporal'], name).toEqual({ condition: 'service_healthy' });
    }
  });

  it('waits only for services that exist, and for the health only of those that have a check', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(file.services[other], `${name} waits for ${other}`).toBeDefined();
        if (condition === 'service_healthy') expect(file.services[other]?.healthcheck, other).toBeDefined();
      }
    }
  });

  it('uses only volumes that it defines, or this directory', () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const source = volume.split(':')[0] ?? '';
        expect(source === '.' || source in file.volumes, `${name}: ${volume}`).toBe(true);
      }
    }
  });

  it('has no secret in it: keys and passwords must be given', () => {
    const secret = /KEY|PASSWORD|PWD|DATABASE_URL/;
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        // None need be given of the earlier ones, and empty is none.
        if (variable === earlierKeysVariable) expect(value).toMatch(/^\$\{EXM_EARLIER_KEYS:-\}$/);
        else if (secret.test(variable)) expect(value, `${name}: ${variable}`).toMatch(/\$\{\w+:\?[^}]+\}/);
      }
    }
  });

  it('gives every process of ours all three keys', () => {
    for (const [name, { environment = {} }] of own) {
      expect(Object.keys(environment), name).toEqual(expect.arrayContaining(Object.values(keyVariables)));
    }
  });

  it('sets only environment variables that are read', () => {
    const read = new Set([
      ...settingVariables,
      ...Object.values(keyVariables),
      earlierKeysVariable,
      ...variablesInSources(),
    ]);
    for (const [name, { environment = {} }] of own) {
      for (const variable of Object.keys(environment)) {
        expect(read.has(variable) || temporalVariables.has(variable), `${name}: ${variable}`).toBe(true);
      }
    }
  });
});

/** A duration of Compose or systemd in one unit: `17m`, `100s`, `17min`. */
function durationMs(text = ''): number {
  const [, number, unit] = /^(\d+)(m|min|s)$/.exec(text) ?? [];
  return Number(number) * (unit === 's' ? 1_000 : 60_000);
}

describe('the service of systemd that docs/operations.md shows', () => {
  it('is given the time that a planned stop may take', () => {
    const shown = readFileSync(packagePath('docs/operations.md'), 'utf8');
    expect(durationMs(/^TimeoutStopSec=(.+)$/m.exec(shown)?.[1])).toBe(supervisorPatienceMs);
  });
});

/** Those of the standard Temporal variables that the client library documents. */
const temporalVariables = new Set([
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
]);

function variablesInSources(): string[] {
  return sources().flatMap((source) =>
    [...source.matchAll(/\benv\['(\w+)'\]/g)].map((match) => match[1] ?? ''),
  );
}

function sources(): string[] {
  return ['src', 'workers', 'activities'].flatMap((folder) =>
    readdirSync(packagePath(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(packagePath(join(folder, name)), 'utf8')),
  );
}

describe('the commands of docker-compose.yml', () => {
  const given = { ...generateKeys(), POSTGRES_PASSWORD: 'secret' };
  const commands = own.filter(([, { command }]) => command !== undefined);

  it.each(commands)('%s: exist with their flags', async (_, { command = [] }) => {
    const help = await runExm([command[0] ?? '', '--help'], {
      env: { PATH: process.env['PATH'] },
      cwd: tmpdir(),
    });
    expect(help.code).toBe(0);
    for (const flag of command.filter((word) => word.startsWith('--'))) {
      expect(help.stdout).toMatch(new RegExp(`(?:^|\\s)${flag}(?=[\\s,=])`, 'm'));
    }
  });

  const needDatabase = commands.filter(
    ([, { command }]) => command?.[0] === 'worker' || command?.[0] === 'migrate',
  );
  it.each(needDatabase)('%s: get as far as the database with their environment', async (_, service) => {
    const env = Object.fromEntries(
      Object.entries(service.environment ?? {}).map(([name, value]) => [name, interpolate(value, given)]),
    );
    expect(env['DATABASE_URL']).toBe('postgres://exm:secret@postgres:5432/exm');
    // A port on which nothing listens.
    const nowhere = {
      ...env,
      DATABASE_URL: 'postgres://exm:secret@127.0.0.1:1/exm',
      PATH: process.env['PATH'],
    };
    const { code, stdout, stderr } = await runExm([...(service.command ?? []), '--json'], {
      env: nowhere,
      cwd: tmpdir(),
    });
    expect(stderr).not.toContain('secret');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DATABASE_UNREACHABLE' } });
    expect(code).toBe(1);
  });
});

/** What Compose makes of `${NAME:-default}` and `${NAME:?message}`. */
function interpolate(value: string, given: Readonly<Record<string, string>>): string {
  return value.replace(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, operator: string, rest: string) => {
      const found = given[name] ?? (operator === '-' ? rest : undefined);
      if (found === undefined) throw new Error(`${name} is not given`);
      return found;
    },
  );
}

describe('the Dockerfile', () => {
  const lines = readFileSync(packagePath('Dockerfile'), 'utf8')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const copies = lines
    .filter((line) => line.startsWith('COPY '))
    .map((line) => line.split(/\s+/).slice(1))
    .map((words) => ({
      from: words.find((word) => word.startsWith('--from='))?.slice('--from='.length),
      paths: words.filter((word) => !word.startsWith('--')),
    }));
  const finalStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  let allowed: string[] = [];

  beforeAll(() => {
    const ignore = readFileSync(packagePath('.dockerignore'), 'utf8').trim().split('\n');
    expect(ignore[0]).toBe('*');
    allowed = ignore.slice(1).map((line) => line.replace(/^!/, ''));
  });

  it('copies only what exists and is sent to the builder', () => {
    const sent = copies.filter(({ from }) => from === undefined).flatMap(({ paths }) => paths.slice(0, -1));
    expect(sent.length).toBeGreaterThan(5);
    for (const path of sent) {
      expect(existsSync(packagePath(path)), path).toBe(true);
      expect(allowed, path).toContain(path.split('/')[0]);
    }
  });

  it('sends nothing else to the builder, and nothing that does not exist', () => {
    for (const path of allowed) expect(existsSync(packagePath(path)), path).toBe(true);
    for (const secret of ['.env', '.git', '.exm', 'node_modules', 'dist'])
      expect(allowed).not.toContain(secret);
  });

  it('copies between stages only from stages that there are', () => {
    const stages = lines.flatMap((line) => /^FROM \S+ AS (\w+)/.exec(line)?.[1] ?? []);
    for (const { from } of copies) if (from !== undefined) expect(stages).toContain(from);
  });

  it('puts all files into the image that the program reads from its package', () => {
    const inImage = finalStage
      .filter((line) => line.startsWith('COPY '))
      .map(
        (line) =>
          line
            .split(/\s+/)
            .at(-1)
            ?.replace(/^\/app\//, '') || 'package.json',
      );
    const needed = sources().flatMap((source) =>
      [...source.matchAll(/packagePath\('([^']+)'\)/g)].map((match) => match[1] ?? ''),
    );
    expect(needed).toContain('src/db/migrations');
    // The demo runs from a checkout, with its own local parts.
    for (const path of needed.filter((one) => !one.startsWith('demo/'))) {
      expect(
        inImage.some((copied) => path === copied || path.startsWith(`${copied}/`)),
        path,
      ).toBe(true);
    }
  });

  it('does not run as root, and starts the command', () => {
    expect(finalStage).toContain('USER node');
    expect(finalStage).toContain('ENTRYPOINT ["node", "/app/bin/exm.js"]');
    expect(existsSync(packagePath('bin/exm.js'))).toBe(true);
  });

  it('uses the oldest Node.js that the package supports', () => {
    const { engines } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
      engines: { node: string };
    };
    const major = /^>=(\d+)/.exec(engines.node)?.[1];
    for (const line of lines.filter((one) => one.startsWith('FROM ')))
      expect(line).toContain(`node:${major}-slim`);
  });
});
