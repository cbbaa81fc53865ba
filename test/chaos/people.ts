/**
 * Those who get mail, as the mail server knows them: what they have said is told by what must not arrive any more. Over all
 * rounds of a run.
 */
export class People {
  private readonly silentSince = new Map<string, number>();
  private readonly firstAddresses = new Map<string, string>();
  private readonly forgotten = new Map<number, string>();

  /** Nothing may be sent to the address any more: its "no" is in the database by now. */
  saidNo(address: string): void {
    if (!this.silentSince.has(address)) this.silentSince.set(address, Date.now());
  }

  /** Since when nothing may be sent to the address, in ms since 1970; never where something may. */
  noSince(address: string): number {
    return this.silentSince.get(address) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Said before it is done, for it may have been though no answer came. Every "no" that there is by now goes along; of one that
   * comes later it depends on its way.
   */
  willMove(from: string, to: string): void {
    this.firstAddresses.set(to, this.firstOf(from));
    const since = this.silentSince.get(from);
    if (since !== undefined) this.silentSince.set(to, since);
  }

  /** The address that they had at first, by which they are told apart. */
  firstOf(address: string): string {
    return this.firstAddresses.get(address) ?? address;
  }

  /** Said before it is done, too: then the database has the number alone. */
  willBeForgotten(contactId: number, address: string): void {
    this.forgotten.set(contactId, address);
  }

  addressOfForgotten(contactId: number): string {
    return this.forgotten.get(contactId) ?? `nobody knows of contact ${contactId}`;
  }
}
