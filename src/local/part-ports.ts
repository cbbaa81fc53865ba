import type { DataDir } from './data-dir.ts';
import { choosePort, isPortFree } from './ports.ts';

/** The ports that a first start tries; each part keeps the one that it got. */
const preferredPorts = {
  postgres: 54_320,
  temporal: 7_233,
  temporalUi: 8_233,
  smtp: 1_025,
  mail: 8_025,
  tracking: 8_480,
  reports: 8_481,
  receive: 2_525,
} as const;

export type PortName = keyof typeof preferredPorts;

const fileName = 'ports.json';
const attempts = 3;

/** The ports of the parts, kept in the data folder so that addresses stay the same from start to start. */
export class PartPorts {
  readonly #dir: DataDir;
  readonly #tell: (line: string) => void;
  readonly #kept: Partial<Record<PortName, number>>;
  /** Those in use by a part of ours, now or in its next start. */
  readonly #used = new Set<PortName>();

  constructor(dir: DataDir, tell: (line: string) => void) {
    this.#dir = dir;
    this.#tell = tell;
    this.#kept = readPorts(dir.readJson(fileName));
  }

  /**
   * Starts a part on its port: the one it had before, else the preferred one, else any that is free. Where another
   * program takes the port at the last moment it is started once more on another one. A part that ran in this process
   * already keeps its port, for the others know it.
   */
  async use<T>(name: PortName, start: (port: number) => Promise<T>): Promise<T> {
    const kept = this.#kept[name];
    if (this.#used.has(name) && kept !== undefined) return start(kept);
    for (let attempt = 1; ; attempt += 1) {
      const port = await choosePort([kept, preferredPorts[name]], this.#taken(name));
      if (kept !== undefined && kept !== port) {
        this.#tell(`Port ${kept} (${name}) is used by another program; ${port} is taken instead`);
      }
      try {
        this.#kept[name] = port;
        const started = await start(port);
        this.#used.add(name);
        this.#dir.writeJson(fileName, this.#kept);
        return started;
      } catch (error) {
        if (attempt >= attempts || (await isPortFree(port))) throw error;
      }
    }
  }

  /** Ports of the other parts. */
  #taken(name: PortName): Set<number> {
    const others = Object.entries({ ...preferredPorts, ...this.#kept }).filter(([other]) => other !== name);
    return new Set(others.map(([, port]) => port));
  }
}

function readPorts(value: unknown): Partial<Record<PortName, number>> {
  if (typeof value !== 'object' || value === null) return {};
  const known = Object.entries(value).filter(
    ([name, port]) => name in preferredPorts && Number.isInteger(port) && port > 0 && port < 65_536,
  );
  return Object.fromEntries(known);
}
