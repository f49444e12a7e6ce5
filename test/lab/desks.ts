/**
 * What people at PCs ask for, as the server's memory has it: the real table of requests, the real limits
 * of PINs, and what they decide. It dies with the server's process.
 */
import { type AskedAction, isAllowed, type MenuRules } from "../../core/trust/asks.ts";
import * as pinTries from "../../core/trust/pin-tries.ts";
import * as table from "../../core/trust/requests.ts";
import { millis } from "../../core/units/units.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { Right } from "../../core/wire/trust.ts";
import { rightFor } from "../../server/lab/menus.ts";
import type { Lab } from "./lab.ts";
import type { Link } from "./link.ts";

/** Every room's PINs. */
export const pins: Readonly<Record<string, Right>> = { "2468": "menu", "97531": "instructor" };

type Want = Extract<AgentMessage, { type: "ask" }>["want"];
/** Each is an object of its own: one want is not another, though both say the same. */
export type Asked = { readonly want: Extract<Want, { action: AskedAction }>; readonly link: Link };

export class Desks {
  private readonly lab: Lab;
  private requests: table.Requests<Asked> = table.noRequests;
  private tries = pinTries.noTries;
  private readonly held = new Map<string, { right: Right; until: number }>();
  private made = 0;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  private get rules(): MenuRules {
    return { hasPin: this.lab.settings.hasPin, ask: this.lab.settings.ask };
  }

  hear(link: Link, message: AgentMessage): void {
    if (message.type === "unlock") this.unlock(link, message.pin);
    if (message.type === "ask") this.ask(link, message.want);
  }

  /** The connection of this PC is gone. */
  lost(pc: string): void {
    if (this.lab.plant === "old-yes") return;
    this.held.delete(pc);
    this.drop(pc);
  }

  private drop(pc: string): void {
    const found = table.ofPc(this.requests, pc);
    if (found !== undefined) [this.requests] = table.taken(this.requests, found.id);
  }

  /** An operator answers one that waits. */
  answer(isYes: boolean): void {
    const { lab } = this;
    this.expire();
    if (this.requests.open.length === 0) return;
    const request = lab.pickPersonal(this.requests.open);
    if (lab.plant !== "yes-twice") [this.requests] = table.taken(this.requests, request.id);
    if (!isYes) return;
    lab.checks.saidYes(request.asked);
    this.perform(request.asked);
  }

  private unlock(link: Link, pin: string): void {
    const { lab } = this;
    const { room } = lab.pc(link.pc);
    const typed = { pc: link.pc, room, at: millis(lab.now) };
    const [begun, gate] = pinTries.begin(this.tries, typed);
    this.tries = begun;
    if (gate.state !== "open") return;
    const right = pins[pin];
    if (right === undefined) {
      [this.tries] = pinTries.wrong(this.tries, typed, millis(lab.now));
      return lab.checks.wrongPin(link.pc, room);
    }
    this.tries = pinTries.right(this.tries, typed);
    this.held.set(link.pc, { right, until: lab.now + rightFor });
    lab.checks.rightPin(link, right);
  }

  private ask(link: Link, want: Want): void {
    const { lab } = this;
    const { pc } = link;
    if (want.action === "withdraw") return this.drop(pc);
    if (want.action === "stop" || want.action === "boot-disk" || want.action === "take-seat")
      return;
    this.expire();
    const held = this.held.get(pc);
    const right = held !== undefined && lab.now < held.until ? held.right : null;
    const asked: Asked = { want, link };
    if (isAllowed(want.action, this.rules, right)) return this.perform(asked);
    const id = `r${++this.made}`;
    [this.requests] = table.ask(this.requests, { id, pc, asked, at: millis(lab.now) });
  }

  private perform(asked: Asked): void {
    const { want, link } = asked;
    this.lab.checks.asked(asked);
    this.lab.operator.askedFor(link.pc, want.action);
  }

  private expire(): void {
    for (const { id } of table.expired(this.requests, millis(this.lab.now)))
      [this.requests] = table.taken(this.requests, id);
  }
}
