import type { PcState } from "../../core/wire/views.ts";
import type { Report } from "../../core/wire/work.ts";
import { type LabNetwork, networkOf, type PcPlace } from "./addresses.ts";
import type { Login } from "./agents.ts";

/** How long a PC that asked for boot files is shown as `booting`, in milliseconds. */
const bootingFor = 180_000;

export interface PresencePorts {
  networks(): readonly LabNetwork[];
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
}

/** What each PC was last seen at, and where. PCs are named by their id. */
export class Presence {
  private readonly ports: PresencePorts;
  private readonly states = new Map<string, PcState>();
  /** Of the PCs that have been connected since the server was started. */
  private readonly places = new Map<string, PcPlace>();
  private readonly bootingSince = new Map<string, number>();
  /** What each connected agent said last that it is at. */
  private readonly reports = new Map<string, Report | null>();

  constructor(ports: PresencePorts) {
    this.ports = ports;
  }

  stateOf(pc: string): PcState {
    const state = this.states.get(pc);
    if (state !== undefined) return state;
    const since = this.bootingSince.get(pc);
    return since !== undefined && this.ports.now() - since < bootingFor ? "booting" : "offline";
  }

  reportOf(pc: string): Report | null {
    return this.reports.get(pc) ?? null;
  }

  /** By which of the server's networks the PC is reached: its name. */
  networkOf(pc: string): string {
    return networkOf(this.ports.networks(), this.places.get(pc)).name;
  }

  /** Whether the PC was here since the server was started: else its network is a guess. */
  hasPlace(pc: string): boolean {
    return this.places.has(pc);
  }

  connected(pc: string, { hello, address, cameTo }: Login): void {
    this.states.set(pc, hello.state);
    this.places.set(pc, { address, cameTo });
    this.reports.set(pc, hello.report);
    this.bootingSince.delete(pc);
  }

  /** Answers whether its state has changed. */
  alive(pc: string, state: PcState, report: Report | null): boolean {
    this.reports.set(pc, report);
    if (this.states.get(pc) === state) return false;
    this.states.set(pc, state);
    return true;
  }

  lost(pc: string): void {
    this.states.delete(pc);
    this.reports.delete(pc);
  }

  /** A PC that is not connected has asked for its boot files. */
  booting(pc: string): void {
    this.bootingSince.set(pc, this.ports.now());
  }

  /** Forgets the PCs that are gone for good. */
  keep(isKnown: (pc: string) => boolean): void {
    for (const known of [this.places, this.bootingSince])
      for (const pc of known.keys()) if (!isKnown(pc)) known.delete(pc);
  }
}
