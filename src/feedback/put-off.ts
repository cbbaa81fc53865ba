/** After so long a message is looked at again. Milliseconds. */
const putOffMs = 60_000;

/**
 * Messages that could not be dealt with at the moment, such as those of a contact whose row somebody has locked: this process
 * passes them over for a while, so that they hold up nobody. In the database they are new still.
 */
export class PutOff {
  readonly #until = new Map<string, number>();

  add(id: string): void {
    this.#until.set(id, performance.now() + putOffMs);
  }

  /** Those that it is too early for. */
  ids(): string[] {
    for (const [id, until] of this.#until) if (until <= performance.now()) this.#until.delete(id);
    return [...this.#until.keys()];
  }
}
