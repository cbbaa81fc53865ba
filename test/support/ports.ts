import { isPortFree } from '../../src/local/ports.ts';

/**
 * Below those that Linux hands out by itself, to connections and to whoever listens on any; above 10,080, the last one that
 * fetch() takes for no address of a page.
 */
const lowest = 10_081;
const highest = 32_767;
const blockSize = 8;
const given = new Set<number>();

/**
 * Ports for what is started later, or again, or never: nobody else takes them meanwhile, as the system may give a port away
 * that it has just said to be free. Test files that run at the same time draw from different blocks.
 */
export async function ownPorts(count: number): Promise<number[]> {
  if (count > blockSize) throw new RangeError(`no more than ${blockSize} ports at once`);
  const pairs = Math.floor((highest - lowest + 1) / blockSize / 2);
  for (;;) {
    const block = 2 * Math.floor(Math.random() * pairs) + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 2);
    if (given.has(block)) continue;
    const ports = Array.from({ length: count }, (_, index) => lowest + block * blockSize + index);
    if ((await Promise.all(ports.map(isPortFree))).includes(false)) continue;
    given.add(block);
    return ports;
  }
}
