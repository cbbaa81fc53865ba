/** What is wrong with a server, from all that look after a part of it, as one text in the table of servers. */
export class ServerHealth {
  private readonly wrong = new Map<string, string>();
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param write stores the whole: `ok`, or what is wrong
   * @param retryIntervalMs pause before that is tried again where it failed
   */
  constructor(
    private readonly write: (health: string) => Promise<void>,
    private readonly retryIntervalMs = 5_000,
  ) {}

  /**
   * Says how one part is: `ok`, or what is wrong with it. What is written last is what was said last: one write at a
   * time. Rejects where it could not be written; it is tried again then until it can be.
   */
  async tell(part: string, health: string): Promise<void> {
    if (health === 'ok') this.wrong.delete(part);
    else this.wrong.set(part, health);
    await this.store();
  }

  private async store(): Promise<void> {
    clearTimeout(this.timer);
    const written = this.writing.then(async () => {
      await this.write([...this.wrong.values()].join(' ') || 'ok');
    });
    this.writing = written.catch(() => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.store().catch(() => undefined), this.retryIntervalMs).unref();
    });
    await written;
  }
}
