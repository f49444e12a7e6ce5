/** The server says that it sends and nothing comes: multicast does not reach this PC. In milliseconds. */

/** A sender with receivers says something every 200 ms. */
const deafAfter = 1000;
/** What the server last said of the room's rate holds for so long: it says it each second. */
const roomRateFor = 2500;
/** What has come may be waiting behind a timer on a busy PC: the second look is sure. */
const looksNeeded = 2;

export class Hearing {
  private packets = { count: 0, atMs: 0 };
  private room = { bps: 0, atMs: 0 };
  /** Looks in a row that found nothing heard for too long. */
  private deafLooks = 0;

  /** How fast the server sends to the room, as it says. */
  roomRate(rateBps: number | null, nowMs: number): void {
    this.room = { bps: rateBps ?? 0, atMs: nowMs };
  }

  /** Listening begins. */
  begin(nowMs: number): void {
    this.packets = { count: 0, atMs: nowMs };
  }

  /** Asked a few times a second: whether what is sent does not come. `packetCount`: of all that came. */
  isDeaf(packetCount: number, nowMs: number): boolean {
    const isSent = this.room.bps > 0 && nowMs - this.room.atMs < roomRateFor;
    if (!isSent || packetCount !== this.packets.count) {
      this.packets = { count: packetCount, atMs: nowMs };
      this.deafLooks = 0;
      return false;
    }
    if (nowMs - this.packets.atMs < deafAfter) return false;
    this.deafLooks++;
    return this.deafLooks >= looksNeeded;
  }
}
