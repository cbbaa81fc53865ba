import { allParts, type Cost, type Part, run } from './run.ts';
import { makeStage } from './stage.ts';

/**
 * What a message costs before and after it is sent: the recipient read, the message composed, its outcome in the journal and
 * in the books, through the real parts on a PostgreSQL of its own; each of them left out in turn.
 *
 * `npm run measure:ledger -- [--messages N]`, for each of the rounds. CPU time of this process and of the database's;
 * instructions where perf is installed, for they are the same however busy the machine is.
 */
async function main(): Promise<void> {
  const each = readMessages(process.argv.slice(2));
  const stage = await makeStage(each * (rounds * variants.length + 1));
  try {
    let next = 1;
    const measure = async (parts: ReadonlySet<Part>) => {
      const range = { first: next, last: next + each - 1 };
      next += each;
      return await run(stage, range, parts);
    };
    await measure(new Set(allParts));
    const sums = new Map<string, Cost>();
    // In turns, so that whatever else the machine does meets all alike.
    for (let round = 0; round < rounds; round++) {
      for (const { name, parts } of variants) {
        const cost = await measure(parts);
        const sum = sums.get(name);
        sums.set(name, sum === undefined ? cost : added(sum, cost));
      }
    }
    for (const [name, cost] of sums) process.stdout.write(`${line(name, cost)}\n`);
  } finally {
    await stage.close();
  }
}

const rounds = 3;
const variants: readonly { readonly name: string; readonly parts: ReadonlySet<Part> }[] = [
  { name: 'all', parts: new Set(allParts) },
  ...allParts.map((left) => ({
    name: `without ${left}`,
    parts: new Set(allParts.filter((part) => part !== left)),
  })),
  { name: 'none', parts: new Set<Part>() },
];

function readMessages(args: readonly string[]): number {
  if (args.length === 0) return 20_000;
  const messages = Number(args[1]);
  if (args.length !== 2 || args[0] !== '--messages' || !(messages >= 1_000 && messages <= 200_000)) {
    process.stderr.write('npm run measure:ledger -- [--messages N], N from 1000 to 200000\n');
    process.exit(2);
  }
  return Math.round(messages);
}

function added(a: Cost, b: Cost): Cost {
  return {
    messages: a.messages + b.messages,
    ms: a.ms + b.ms,
    own: a.own + b.own,
    postgres: a.postgres + b.postgres,
    ownInstructions: a.ownInstructions + b.ownInstructions,
    postgresInstructions: a.postgresInstructions + b.postgresInstructions,
  };
}

function line(name: string, cost: Cost): string {
  const each = (sum: number, unit: string) => `${(sum / cost.messages).toFixed(1)} ${unit}`.padStart(9);
  const thousands = (sum: number) =>
    Number.isNaN(sum) ? '' : each(sum / 1_000, 'k instructions').padStart(22);
  return [
    name.padEnd(16),
    `dispatcher ${each(cost.own, 'us')}${thousands(cost.ownInstructions)}`,
    `PostgreSQL ${each(cost.postgres, 'us')}${thousands(cost.postgresInstructions)}`,
  ].join('   ');
}

await main();
