/** What is wrong with a server, from all that look after a part of it, as one text in the table of servers. */
export class ServerHealth {
  private readonly wrong = new Map<string, string>();
  private writing: Promise<void> = Promise.resolve();

  /** @param write stores the whole: `ok`, or what is wrong */
  constructor(private readonly write: (health: string) => Promise<void>) {}

  /**
   * Says how one part is: `ok`, or what is wrong with it. What is written last is what was said last: one write at a
   * time. Rejects where it could not be written.
   */
  async tell(part: string, health: string): Promise<void> {
    if (health === 'ok') this.wrong.delete(part);
    else this.wrong.set(part, health);
    const written = this.writing.then(async () => {
      await this.write([...this.wrong.values()].join(' ') || 'ok');
    });
    this.writing = written.catch(() => undefined);
    await written;
  }
}
