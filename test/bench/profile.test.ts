import { expect, it } from 'vitest';
import { type CpuProfile, timeByGroup } from '../../src/bench/profile.ts';

const frame = (functionName: string, url: string, children: number[] = []) => ({
  callFrame: { functionName, url },
  children,
});

it("adds up a profile's time for whoever spent it, without idling and starting", () => {
  const dist = 'file:///opt/exm/dist';
  const nodes = [
    frame('(root)', '', [2, 3, 4, 7, 9]),
    frame('(idle)', ''),
    frame('(garbage collector)', ''),
    frame('runBatch', `${dist}/src/dispatch/send-batch.js`, [5]),
    frame('send', `${dist}/src/smtp/session.js`, [6]),
    frame('writev', ''),
    frame('onStreamRead', 'node:internal/stream_base_commons', [8]),
    frame('parse', `file:///opt/exm/node_modules/pg-protocol/esm/index.js`),
    frame('run', 'node:internal/modules/esm/module_job', [10]),
    frame('', `${dist}/src/smtp/session.js`),
  ].map((node, index) => ({ id: index + 1, ...node }));
  const spent: [id: number, ms: number][] = [
    [2, 500],
    [3, 1],
    [4, 2],
    [5, 3],
    [6, 4],
    [7, 5],
    [8, 6],
    [9, 100],
    [10, 100],
    [6, 4],
  ];
  const profile: CpuProfile = {
    nodes,
    samples: spent.map(([id]) => id),
    timeDeltas: spent.map(([, ms]) => ms * 1_000),
  };
  expect(Object.fromEntries(timeByGroup(profile))).toEqual({
    'garbage collection': 1,
    'send loop': 2,
    SMTP: 3 + 4 + 4,
    'Node.js': 5,
    'PostgreSQL client': 6,
  });
});
