import { assert, errorText } from "../../core/errors.ts";
import type { MacAddress } from "../../core/units/mac.ts";

export type HeardArp = (mac: MacAddress, address: string) => void;

export interface ArpHearingPorts {
  /** Hears ARP on one interface. Throws where that cannot be done. */
  open(interfaceName: string, heard: HeardArp): Disposable;
  log(fields: Record<string, unknown>, text: string): void;
}

interface Place {
  /** Null while nobody hears, or where it cannot be heard. */
  listener: Disposable | null;
  isFaultTold: boolean;
}

/**
 * ARP on the networks that are served, as they come and go. Each is heard for itself: one that cannot be heard is
 * told once in the log, and keeps no other from being heard.
 */
export class ArpHearing {
  private readonly ports: ArpHearingPorts;
  private readonly places = new Map<string, Place>();
  private heard: HeardArp | null = null;

  constructor(ports: ArpHearingPorts) {
    this.ports = ports;
  }

  /** The network of this interface is served, until what this answers is disposed of. */
  serve(interfaceName: string): Disposable {
    assert(!this.places.has(interfaceName), "a network is served once at a time");
    const place: Place = { listener: null, isFaultTold: false };
    this.places.set(interfaceName, place);
    if (this.heard !== null) this.open(interfaceName, place, this.heard);
    return {
      [Symbol.dispose]: () => {
        this.places.delete(interfaceName);
        close(place);
      },
    };
  }

  /** For one at a time, until it is disposed of. */
  hear(heard: HeardArp): Disposable {
    assert(this.heard === null, "one at a time hears");
    this.heard = heard;
    for (const [interfaceName, place] of this.places) this.open(interfaceName, place, heard);
    return {
      [Symbol.dispose]: () => {
        this.heard = null;
        for (const place of this.places.values()) close(place);
      },
    };
  }

  private open(interfaceName: string, place: Place, heard: HeardArp): void {
    try {
      place.listener = this.ports.open(interfaceName, heard);
      place.isFaultTold = false;
    } catch (error) {
      if (place.isFaultTold) return;
      place.isFaultTold = true;
      const fields = { reason: errorText(error), interface: interfaceName };
      this.ports.log(fields, "PCs that come up are not looked for by ARP");
    }
  }
}

function close(place: Place): void {
  place.listener?.[Symbol.dispose]();
  place.listener = null;
}
