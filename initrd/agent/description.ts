/** What this PC is, as the server hears it: read for each `hello`, and looked at again while it is idle. */
import { type Millis, millis } from "../../core/units/units.ts";
import type { AgentPorts, Described } from "./ports.ts";

/** A disk may be slow to appear, a cable be put elsewhere. */
const lookEvery = millis(5000);
/** A start of the agent reads it for the screen and for its first login, within this. */
const freshFor = millis(2000);

export type DescriptionPorts = Pick<
  AgentPorts,
  "describe" | "isHalfWritten" | "troubles" | "clock" | "journal"
>;

export class Description {
  private readonly ports: DescriptionPorts;
  private described: Described | null = null;
  private lookAt: Millis = millis(0);
  private reading: Promise<Described> | null = null;
  private freshUntil: Millis = millis(0);

  constructor(ports: DescriptionPorts) {
    this.ports = ports;
  }

  /** As it was read last, and what is wrong with it; null before the first time. */
  get latest(): { readonly described: Described; readonly troubles: readonly string[] } | null {
    const { described, ports } = this;
    return described === null ? null : { described, troubles: ports.troubles(described.disks) };
  }

  /** Whether one of its disks was left by a restore that did not finish. */
  get isHalfWritten(): boolean {
    return this.ports.isHalfWritten(this.described?.disks ?? []);
  }

  /** As it is now; what was read a moment ago, or is being read, is not read again. */
  async current(): Promise<Described> {
    const { described, ports } = this;
    if (described !== null && ports.clock.now() < this.freshUntil) return described;
    this.reading ??= this.read();
    return this.reading;
  }

  /** Looks again if it is time; calls back when the disks or the link have changed, if it still matters then. */
  lookAgain(matters: () => boolean, changed: () => void): void {
    const { journal, clock } = this.ports;
    if (clock.now() < this.lookAt) return;
    this.lookAt = millis(clock.now() + lookEvery);
    this.hasChanged(matters)
      .then((isChanged) => {
        if (!isChanged) return;
        journal.log("this PC's disks or its link have changed");
        changed();
      })
      .catch((error: unknown) => journal.log(`hardware not read: ${error}`));
  }

  private async read(): Promise<Described> {
    const { describe, clock } = this.ports;
    this.lookAt = millis(clock.now() + lookEvery);
    try {
      this.described = await describe();
      this.freshUntil = millis(clock.now() + freshFor);
      return this.described;
    } finally {
      this.reading = null;
    }
  }

  private async hasChanged(matters: () => boolean): Promise<boolean> {
    const before = this.described;
    const after = await this.ports.describe();
    // A `hello` may have read it meanwhile.
    if (this.described !== before || !matters()) return false;
    this.described = after;
    return partsOf(after) !== partsOf(before);
  }
}

const partsOf = (described: Described | null): string =>
  JSON.stringify([described?.disks, described?.nic]);
