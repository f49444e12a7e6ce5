import { chunkBytes } from "../../core/units/units.ts";
import type { DiskRange } from "./boot-area.ts";
import type { DiskFaults } from "./disk-faults.ts";

const zeros = new Uint8Array(chunkBytes);
/** What is discarded in one call: an old disk answers within seconds. */
const discardBytes = 1 << 30;

export interface EmptyPlacesPorts {
  readonly faults: DiskFaults;
  readonly diskBytes: number;
  /** What makes the disk bootable. */
  readonly boot: readonly DiskRange[];
  /** Memory of one chunk that the disk takes without a copy. */
  buffer(): Uint8Array;
}

/** The places of a disk that are made empty, or have to be. `goesOn` is asked before each step. */
export class EmptyPlaces {
  private readonly ports: EmptyPlacesPorts;

  constructor(ports: EmptyPlacesPorts) {
    this.ports = ports;
  }

  async emptyBootArea(): Promise<void> {
    const { faults, boot } = this.ports;
    for (const { offset, length } of boot) await faults.zero(offset, length);
    await faults.flush();
  }

  /** All but the boot area, which is empty already: what is discarded may read as anything. */
  async discard(goesOn: () => boolean): Promise<void> {
    const { faults, boot, diskBytes } = this.ports;
    let at = 0;
    for (const next of [...boot, { offset: diskBytes, length: 0 }]) {
      while (at < next.offset) {
        if (!goesOn()) return;
        const length = Math.min(discardBytes, next.offset - at);
        if (!(await faults.discard(at, length))) return;
        at += length;
      }
      at = next.offset + next.length;
    }
  }

  /** What is empty already is only read: after a discard, or a restore before, that is most of it. */
  async empty(places: readonly DiskRange[], goesOn: () => boolean): Promise<void> {
    const { faults } = this.ports;
    const buffer = this.ports.buffer();
    let hasWritten = false;
    for (const { offset, length } of places) {
      for (let done = 0; done < length; done += chunkBytes) {
        if (!goesOn()) return;
        const at = offset + done;
        const data = buffer.subarray(0, Math.min(chunkBytes, length - done));
        if (await this.isEmpty(at, data)) continue;
        await faults.zero(at, data.length);
        hasWritten = true;
        if (!(await this.isEmpty(at, data))) throw faults.readsWrong(at);
      }
    }
    if (hasWritten) await faults.flush();
  }

  private async isEmpty(offset: number, into: Uint8Array): Promise<boolean> {
    if (!(await this.ports.faults.reads(offset, into))) return false;
    return Buffer.compare(into, zeros.subarray(0, into.length)) === 0;
  }
}
