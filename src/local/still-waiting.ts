/** How often it is said, milliseconds. */
const tellIntervalMs = 5_000;

/** Says from time to time what is still waited for. */
export class StillWaiting {
  private readonly names = new Set<string>();
  private readonly timer: NodeJS.Timeout;

  /** @param remedy what the person who waits can do */
  constructor(tell: (line: string) => void, remedy = "Ctrl-C once more doesn't wait any longer") {
    this.timer = setInterval(() => {
      const names = [...this.names].join(', ');
      if (names !== '') tell(`Still waiting for ${names} to finish what is begun; ${remedy}`);
    }, tellIntervalMs);
  }

  /** Names it until it has ended. @returns what it does */
  async on<T>(name: string, ending: Promise<T>): Promise<T> {
    this.names.add(name);
    try {
      return await ending;
    } finally {
      this.names.delete(name);
    }
  }

  end(): void {
    clearInterval(this.timer);
  }
}
