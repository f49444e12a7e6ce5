/** Who is who for a process of the server: the real admissions, over what is stored and who is connected. */
import { RoomcastError } from "../../core/errors.ts";
import { millis } from "../../core/units/units.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import { Admissions } from "../../server/lab/admissions.ts";
import { Inventory } from "../../server/lab/inventory.ts";
import { loginOf } from "../server/lab/hello.ts";
import { helloWith, type SimLogin, secretOf } from "./keys.ts";
import type { Lab } from "./lab.ts";
import type { Link } from "./link.ts";

export class Door {
  private readonly lab: Lab;
  private readonly inventory: Inventory;
  private readonly admissions: Admissions;
  /** The challenge of each connection; it is good for one login. */
  private readonly challenges = new Map<
    Link,
    { readonly nonce: number; readonly channel: number }
  >();
  /** By the id of the record that the key of the connection is. */
  private readonly links = new Map<string, Link>();

  constructor(lab: Lab) {
    this.lab = lab;
    this.inventory = new Inventory(lab.stored, () => `x${lab.draw()}`);
    this.admissions = new Admissions({
      inventory: this.inventory,
      store: lab.stored,
      isConnected: (pc) => this.links.has(pc),
      now: () => millis(lab.now),
      isoTime: () => "",
      changed: ({ id }) => this.changed(id),
      merged: () => {},
    });
  }

  open(link: Link): void {
    const challenge = { nonce: this.lab.draw(), channel: this.lab.draw() };
    this.challenges.set(link, challenge);
    link.toPc({ type: "sim-challenge", ...challenge });
  }

  /** Answers the PC whose agent it is; null: nobody's, or of one that may have no orders. */
  login(link: Link, login: SimLogin): string | null {
    const { lab, links } = this;
    if (!this.isRight(link, login)) return null;
    const pc = this.arrive(login);
    if (pc === null) return null;
    lab.checks.comesIn(link, pc);
    const before = links.get(pc);
    if (before !== undefined) {
      lab.links.delete(before);
      before.caller = null;
    }
    links.set(pc, link);
    link.caller = { pc, counts: null };
    link.toPc({ type: "welcome" } as ServerMessage);
    return this.served(link);
  }

  /** The PC whose words these are; null: they count for nothing. */
  served(link: Link): string | null {
    const { caller } = link;
    if (caller === null) return null;
    caller.counts ??= this.mayBeOrdered(caller.pc);
    return caller.counts ? caller.pc : null;
  }

  private mayBeOrdered(pc: string): boolean {
    const record = this.inventory.get(pc);
    return record !== undefined && this.admissions.verdict(record).kind === "may";
  }

  private changed(pc: string): void {
    const caller = this.links.get(pc)?.caller ?? null;
    if (caller !== null) caller.counts = null;
  }

  linkOf(pc: string): Link | undefined {
    return this.links.get(pc);
  }

  /** Answers the PC whose connection it was. */
  lost(link: Link): string | null {
    this.challenges.delete(link);
    const pc = link.caller?.pc;
    // It may be of an earlier process.
    if (pc === undefined || this.links.get(pc) !== link) return null;
    link.caller = null;
    this.links.delete(pc);
    const record = this.inventory.get(pc);
    if (record !== undefined) this.admissions.lost(record);
    return pc;
  }

  /** An operator walks through the room and compares codes: PCs that stopped for a human are let in. */
  compareCodes(): void {
    for (const [pc, link] of this.links) {
      const record = this.inventory.get(pc);
      const isStray = this.lab.isPc(link.pc) && pc !== link.pc;
      if (!isStray || record?.doubt === undefined || this.links.has(link.pc)) continue;
      this.admissions.admit(record, "operator");
      this.links.delete(pc);
      link.caller = null;
      this.lab.links.delete(link);
      link.peer.serverDied(link);
      return;
    }
  }

  private isRight(link: Link, { key, secret, nonce, channel }: SimLogin): boolean {
    const challenge = this.challenges.get(link);
    this.challenges.delete(link);
    if (challenge === undefined || secret !== secretOf(key)) return false;
    if (this.lab.plant === "no-nonce") return true;
    return challenge.nonce === nonce && challenge.channel === channel;
  }

  private arrive({ key, marks, report }: SimLogin): string | null {
    try {
      const login = loginOf(helloWith(marks, report), {
        ...{ key: key.name, kind: key.kind },
        ...{ address: marks.macs[0] ?? "", code: "000000" },
      });
      const pc = this.admissions.arrive(login);
      this.admissions.arrived(pc.id, login);
      const isTaken = this.lab.plant === "marks-decide" && pc.doubt !== undefined;
      return (isTaken ? pc.doubt?.[0] : null) ?? pc.id;
    } catch (error) {
      if (error instanceof RoomcastError) return null;
      throw error;
    }
  }
}
