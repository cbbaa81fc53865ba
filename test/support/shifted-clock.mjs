/**
 * Loaded into a process before its program (NODE_OPTIONS=--import=...): its clock is off by as many milliseconds as
 * stand in the file that SHIFTED_CLOCK names. Only the clock: timers and performance.now() are not, as where somebody
 * sets a system's time.
 */
import { readFileSync } from 'node:fs';

const file = process.env['SHIFTED_CLOCK'] ?? '';
const RealDate = Date;
let offsetMs = 0;

const look = () => {
  try {
    offsetMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // It is just being written.
  }
};
look();
setInterval(look, 20).unref();

const now = () => RealDate.now() + offsetMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
