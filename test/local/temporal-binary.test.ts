import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporalVersion } from '../../src/local/install-temporal.ts';
import { findTemporal } from '../../src/local/temporal-binary.ts';

// What is looked for, in which order, and what is left behind: told with programs that only say that they have a dev
// server. That a real one starts is shown by every other test; that Go builds one, by hand and where there is none.

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'exm-binary-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const devServer = '#!/bin/sh\necho "  -f, --db-filename string"\n';

function program(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** The system's own folders for the shell, none with `temporal` or `go`; and no way out to the network. */
function environment(...folders: string[]) {
  return {
    PATH: [...folders, '/usr/bin', '/bin'].join(':'),
    HOME: dir,
    EXM_CACHE_DIR: join(dir, 'cache'),
    HTTPS_PROXY: 'http://127.0.0.1:1',
  };
}

/** A `go` that counts its calls, and "installs" a program. */
function fakeGo(text: string): string {
  const folder = join(dir, 'go-bin');
  program(join(folder, 'go'), `#!/bin/sh\necho "$@" >> ${join(dir, 'go-calls')}\n${text}`);
  return folder;
}
const installs = `sleep 1\nprintf '${devServer.replaceAll('\n', '\\n').replaceAll('"', '\\"')}' > "$GOBIN/temporal"\nchmod +x "$GOBIN/temporal"\nmkdir -p "$GOMODCACHE/x"\n`;
const goCalls = () => readFileSync(join(dir, 'go-calls'), 'utf8').trim().split('\n');

describe("finding Temporal's dev server", () => {
  it('takes the one on PATH before the one in the cache', async () => {
    const env = environment(join(dir, 'bin'));
    program(join(dir, 'bin', 'temporal'), devServer);
    program(join(dir, 'cache', `temporal-${temporalVersion}`, 'temporal'), devServer);
    expect(await findTemporal(env, () => undefined)).toEqual({
      path: join(dir, 'bin', 'temporal'),
      source: 'path',
    });
  });

  it('passes over a program of that name that is something else', async () => {
    const env = environment(join(dir, 'bin'));
    const cached = join(dir, 'cache', `temporal-${temporalVersion}`, 'temporal');
    program(join(dir, 'bin', 'temporal'), '#!/bin/sh\necho "a calendar"\n');
    program(cached, devServer);
    expect(await findTemporal(env, () => undefined)).toEqual({ path: cached, source: 'cache' });
  });

  it('installs it once with go, also when several ask at once, and leaves nothing else behind', async () => {
    const env = environment(fakeGo(installs));
    const told: string[] = [];
    const found = await Promise.all([1, 2, 3].map(() => findTemporal(env, (line) => told.push(line))));
    const path = join(dir, 'cache', `temporal-${temporalVersion}`, 'temporal');
    expect(found.map((binary) => binary.path)).toEqual([path, path, path]);
    expect(found.map((binary) => binary.source).sort()).toEqual(['cache', 'cache', 'go-install']);
    expect(goCalls()).toEqual([`install github.com/temporalio/cli/cmd/temporal@v${temporalVersion}`]);
    expect(told.some((line) => line.startsWith('Building'))).toBe(true);
    expect(readdirSync(join(dir, 'cache'))).toEqual([`temporal-${temporalVersion}`]);
    expect(await findTemporal(env, () => undefined)).toEqual({ path, source: 'cache' });
  });

  it('installs anew what an installation left that was killed', async () => {
    const env = environment(fakeGo(installs));
    const folder = join(dir, 'cache', `temporal-${temporalVersion}`);
    mkdirSync(join(dir, 'cache', 'install-abc', 'mod'), { recursive: true });
    writeFileSync(`${folder}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, identity: 'gone' }));
    program(join(folder, 'temporal'), 'half a binary');
    expect((await findTemporal(env, () => undefined)).source).toBe('go-install');
    expect(readdirSync(join(dir, 'cache'))).toEqual([`temporal-${temporalVersion}`]);
  });

  it('names all four ways, with what became of each, where none works', async () => {
    const env = environment(fakeGo('echo "go: no route to host" >&2\nexit 1\n'));
    const failure = await findTemporal(env, () => undefined).catch((error) => error);
    expect(failure).toMatchObject({ code: 'TEMPORAL_BINARY' });
    expect(failure.message).toMatch(/1\. "temporal" on PATH: not there/);
    expect(failure.message).toMatch(/2\. the copy in .*: not there/);
    expect(failure.message).toMatch(/3\. the SDK's download: \S/);
    expect(failure.message).toMatch(/4\. "go install": failed:\n +go: no route to host/);
    expect(existsSync(join(dir, 'cache', `temporal-${temporalVersion}`))).toBe(false);
  });

  it('says so where there is no go', async () => {
    const env = { ...environment(), PATH: '/nowhere' };
    await expect(findTemporal(env, () => undefined)).rejects.toThrow('"go install": go is not installed');
  });

  it('gives an installation up when it is interrupted', async () => {
    const env = environment(fakeGo('sleep 600\n'));
    const controller = new AbortController();
    const finding = findTemporal(env, () => controller.abort(new Error('interrupted')), controller.signal);
    await expect(finding).rejects.toThrow('interrupted');
    expect(readdirSync(join(dir, 'cache'))).toEqual([]);
  });
});
