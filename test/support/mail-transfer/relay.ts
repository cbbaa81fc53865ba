import { connect } from 'node:net';
import { waitFor } from '../wait-for.ts';
import type { Running } from './private-system.ts';

/** Where a relay under test takes mail of each kind. Everything is on 127.0.0.1. */
export interface RelayRoutes {
  readonly folder: string;
  readonly port: number;
  /** The domain of return paths, and the port that takes mail for it. */
  readonly bounces: { readonly domain: string; readonly port: number };
  /** The port of the mail server of all other addresses, except these. */
  readonly destination: { readonly domain: string; readonly port: number };
  /** An address whose mail server does not answer. */
  readonly closed: { readonly address: string; readonly port: number };
  /** Addresses of the relay's own: one without a mailbox, one whose mailbox is full. */
  readonly unknown: string;
  readonly full: string;
}

/** Waits until a relay answers. @returns a function that ends it; one that does not answer is ended at once */
export async function untilListening(
  port: number,
  name: string,
  { output, stop }: Running,
): Promise<() => Promise<void>> {
  try {
    await waitFor(() => answers(port), { describe: () => `${name}: ${output()}` });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
