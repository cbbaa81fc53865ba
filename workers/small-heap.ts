import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 tidy up when its heap has grown by 60 %. By itself it looks at how much memory the machine has, and lets what is
 * of no use any more more than treble the heap first. A dispatcher that sends 2.7 KB as fast as it can: 305 MB by V8's own
 * rule, 240 with 100 %, 226 with 60, 219 with 40, 210 with 20; CPU of a message 0.039 ms, with 40 % 0.044, with 20 0.058.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=60');
}
