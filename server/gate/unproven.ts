/** Links that have proven no key yet, in all and of one address. */

/** A room does it within a second or two, and tries again. */
const inAll = 256;
const perAddress = 16;

export class Unproven {
  private readonly addresses = new Map<object, string>();
  private readonly counts = new Map<string, number>();

  /** False: there are too many already. */
  add(link: object, address: string): boolean {
    const count = this.counts.get(address) ?? 0;
    if (this.addresses.size >= inAll || count >= perAddress) return false;
    this.addresses.set(link, address);
    this.counts.set(address, count + 1);
    return true;
  }

  delete(link: object): void {
    const address = this.addresses.get(link);
    if (address === undefined) return;
    this.addresses.delete(link);
    const left = (this.counts.get(address) ?? 1) - 1;
    if (left === 0) this.counts.delete(address);
    else this.counts.set(address, left);
  }
}
