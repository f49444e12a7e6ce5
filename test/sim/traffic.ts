/** What else goes over the sender's link. */
import type { Link } from "./link.ts";
import type { Timeline } from "./timeline.ts";

const segmentBytes = 1500;
const windowLeast = 2;

export interface TcpOptions {
  readonly roundTripMs: number;
  readonly startAtMs: number;
}

/**
 * A TCP connection that has always something to send, as Reno: a segment more each round trip, half as
 * many after a loss, no more than one halving a round trip.
 */
export class TcpFlow {
  bytesDelivered = 0;
  private window = 10;
  private threshold = Number.POSITIVE_INFINITY;
  private readonly time: Timeline;
  private readonly link: Link;
  private readonly options: TcpOptions;

  constructor(time: Timeline, link: Link, options: TcpOptions) {
    this.time = time;
    this.link = link;
    this.options = options;
    time.at(options.startAtMs, () => this.round());
  }

  /** Sends a window, spread over a round trip. */
  private round(): void {
    const { time, link, options } = this;
    const start = time.now;
    const count = Math.floor(this.window);
    let lost = 0;
    let last = start;
    let sent = 0;
    const send = (): void => {
      const through = link.pass(time.now, segmentBytes);
      if (through === null) lost++;
      else {
        this.bytesDelivered += segmentBytes;
        last = through;
      }
      sent++;
      if (sent < count) time.at(start + (sent / count) * options.roundTripMs, send);
      else time.at(Math.max(time.now, last) + options.roundTripMs, () => this.endRound(lost));
    };
    send();
  }

  private endRound(lost: number): void {
    if (lost > 0) {
      this.window = Math.max(windowLeast, this.window / 2);
      this.threshold = this.window;
    } else {
      this.window += this.window < this.threshold ? this.window : 1;
    }
    this.round();
  }
}

/** A steady stream, as a call or another cast without control. */
export class SteadyFlow {
  offered = 0;
  delivered = 0;

  constructor(time: Timeline, link: Link, bps: number) {
    const everyMs = (segmentBytes * 8000) / bps;
    const send = (): void => {
      this.offered++;
      if (link.pass(time.now, segmentBytes) !== null) this.delivered++;
      time.at(time.now + everyMs, send);
    };
    time.at(0, send);
  }
}
