/** Sent and not yet taken by the other side: beyond this it has to go on taking, in bytes. */
export const unreadLimit = 4 * 1024 * 1024;
/** What it then has to take between two looks, a second apart: the slowest PC's share of a busy 10 Mbit/s. */
export const slowestBytes = 64 * 1024;
/** So many looks in a row without that: a PC that is busy to the last core is quiet for less. */
export const patienceLooks = 3;

/**
 * Notices a client that does not read. What is sent at once may be large, as the entries of a live cast
 * for a PC that comes late; so it is not the amount alone that counts, but that it shrinks.
 */
export class Unread {
  private queuedBytes = 0;
  private takenBytes = 0;
  private slowLooks = 0;

  /** So many bytes were given to the socket. */
  queued(bytes: number): void {
    this.queuedBytes += bytes;
  }

  /** Asked about once a second, with what the socket still holds. */
  isStuck(unsentBytes: number): boolean {
    const taken = this.queuedBytes - unsentBytes;
    const isSlow = unsentBytes > unreadLimit && taken - this.takenBytes < slowestBytes;
    this.slowLooks = isSlow ? this.slowLooks + 1 : 0;
    this.takenBytes = taken;
    return this.slowLooks >= patienceLooks;
  }
}
