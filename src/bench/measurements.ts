import { contentDelivery } from './measure-content-delivery.ts';
import { dispatch } from './measure-dispatch.ts';
import { end } from './measure-end.ts';
import { history } from './measure-history.ts';
import { imports } from './measure-import.ts';
import { memory } from './measure-memory.ts';
import { parts } from './measure-parts.ts';
import { queueing } from './measure-queueing.ts';
import { scaling } from './measure-scaling.ts';
import type { Measurement } from './measurement.ts';

/** All that `exm bench` can measure, in the order in which it does. */
export const measurements: readonly Measurement[] = [
  dispatch,
  parts,
  queueing,
  imports,
  memory,
  history,
  scaling,
  end,
  contentDelivery,
];
