import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a time is spent for, by where the code lies; the first that fits. Order matters. */
const groups: readonly (readonly [group: string, url: RegExp])[] = [
  ['composing', /\/src\/message\//],
  ['SMTP', /\/src\/smtp\/|\/nodemailer\//],
  ['PostgreSQL client', /\/node_modules\/(?:pg|pg-[a-z]+|postgres-[a-z]+|drizzle-orm)\//],
  ['ledger', /\/src\/dispatch\/(?:recorder|flush|lease|take-lease|storable|announce)/],
  ['journal', /\/src\/dispatch\/(?:journal|left-journals|enter-journal)/],
  ['contacts', /\/src\/(?:contacts\/|dispatch\/read-recipients)/],
  ['send loop', /\/src\/dispatch\//],
  ['Temporal SDK', /\/node_modules\/@temporalio\/|workflow-bundle|\/activities\/|\/workers\//],
];
/** Loading modules, and whatever they do meanwhile: over before anything is measured. */
const starting = 'starting';
const startingUrl = /^node:internal\/(?:modules|process\/execution|bootstrap|main)\b/;
const garbage = 'garbage collection';
/** What begins in Node.js itself and has not come to any of these yet: the event loop, reading from sockets. */
const runtime = 'Node.js';

/** A V8 profile, as `--cpu-prof` writes it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Of each sample to the one before, microseconds. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** Milliseconds in which a process's JavaScript thread worked, by what for. */
export type TimeByGroup = ReadonlyMap<string, number>;

/**
 * Adds up a profile: what happens in Node.js or a library of no group counts for whoever called it. Left out is idle time, and
 * what it took to start.
 */
export function timeByGroup({ nodes, samples, timeDeltas }: CpuProfile): TimeByGroup {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const groupOf = new Map<number, string | undefined>();
  const visit = (node: ProfileNode, inherited: string) => {
    const group = ownGroup(node, inherited);
    groupOf.set(node.id, group);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) visit(child, group ?? inherited);
    }
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, runtime);
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const group = groupOf.get(id);
    if (group === undefined || group === starting) continue;
    times.set(group, (times.get(group) ?? 0) + (timeDeltas[index] ?? 0) / 1_000);
  }
  return times;
}

/** Undefined for time in which nothing was done. */
function ownGroup({ callFrame }: ProfileNode, inherited: string): string | undefined {
  const { functionName, url } = callFrame;
  if (functionName === '(idle)') return undefined;
  if (inherited === starting || startingUrl.test(url)) return starting;
  if (functionName === '(garbage collector)') return garbage;
  return groups.find(([, pattern]) => pattern.test(url))?.[0] ?? inherited;
}

const suffix = '.cpuprofile';

/** Profiles in a folder that are not among those `known` before. */
export function profilesIn(folder: string, known: readonly string[] = []): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(suffix) && !known.includes(name));
}

/** The shares of all these profiles together, the largest first. */
export function profileShares(folder: string, names: readonly string[]): [group: string, share: number][] {
  const sums = new Map<string, number>();
  for (const name of names) {
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile;
    for (const [group, ms] of timeByGroup(profile)) sums.set(group, (sums.get(group) ?? 0) + ms);
  }
  const all = [...sums.values()].reduce((sum, ms) => sum + ms, 0);
  return [...sums].map(([group, ms]): [string, number] => [group, ms / all]).sort(([, a], [, b]) => b - a);
}
