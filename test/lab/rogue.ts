/** Somebody on the lab's network who wants to be a PC, with all that can be known without its key. */
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { End } from "../../core/wire/work.ts";
import { marksOf, revokedKey, type SimKey, type SimLogin, secretOf } from "./keys.ts";
import type { Lab } from "./lab.ts";
import { type DownMessage, Link, type Peer } from "./link.ts";
import { count } from "./tally.ts";

const tricks = [
  "its marks",
  "its marks",
  "a recording",
  "its key without the secret",
  "a revoked key",
] as const;
/** How long it stays, at the longest, in milliseconds. */
const staysMs = 30_000;

export class Rogue implements Peer {
  readonly id = "rogue";
  private readonly lab: Lab;
  private keys = 0;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  act(): void {
    const { lab } = this;
    if (!lab.server.isUp) return;
    const trick = lab.pick(tricks);
    count(lab.tally.faults, `rogue with ${trick}`);
    const victim = lab.pick(lab.pcs);
    const link = new Link(this, lab.wire);
    link.onPc = (message) => this.hear(link, message, victim.id, trick);
    lab.server.accept(link);
    lab.after(lab.random() * staysMs, () => {
      link.isCut = true;
      lab.serverNotices(link);
    });
  }

  /** A packet as a PC's own system sends it: nothing tells it from one. */
  lieOnTheWire(): void {
    const { lab } = this;
    if (!lab.server.isUp) return;
    count(lab.tally.faults, "lie on the wire");
    const victim = lab.pickOwn(lab.pcs);
    victim.lies++;
    lab.server.seen(victim.id, { kind: "dhcp", system: "Windows", host: "a lie" });
  }

  serverDied(link: Link): void {
    link.isCut = true;
  }

  private hear(
    link: Link,
    message: DownMessage,
    victim: string,
    trick: (typeof tricks)[number],
  ): void {
    this.lab.checks.rogueHears(message);
    if (message.type !== "sim-challenge") return;
    const login = this.loginAs(victim, trick);
    const { nonce, channel } = message;
    if (login === null) return;
    link.toServer(trick === "a recording" ? login : { ...login, nonce, channel });
    for (const lie of this.lies(victim)) link.toServer(lie);
  }

  private loginAs(victim: string, trick: (typeof tricks)[number]): SimLogin | null {
    const { lab } = this;
    const own: SimKey = { name: `rogue ${++this.keys}`, kind: lab.pick(["tpm", "file", "memory"]) };
    const login = { type: "hello", nonce: 0, channel: 0, report: null } as const;
    const { key } = lab.pc(victim);
    switch (trick) {
      case "its marks": {
        const marks = marksOf(victim);
        // Of a PC whose key does not last, all marks are the PC: they are the secret there is.
        const known = key.kind === "memory" ? { ...marks, serials: [] } : marks;
        return { ...login, key: own, secret: secretOf(own), marks: known };
      }
      case "a recording":
        return lab.recorded.get(victim) ?? null;
      case "its key without the secret":
        return { ...login, key, secret: "a guess", marks: marksOf(victim) };
      case "a revoked key":
        return { ...login, key: revokedKey, secret: secretOf(revokedKey), marks: marksOf(victim) };
    }
  }

  /** Words about the victim's work, of the attempt that is wanted now. */
  private lies(victim: string): AgentMessage[] {
    const { lab } = this;
    const session = lab.server.isUp ? lab.server.running.of(victim) : undefined;
    const attempt = session?.kind.wanted(session.state).orders.get(victim);
    if (session === undefined || attempt === undefined) return [];
    const rootHash = (session.state as { image?: { rootHash?: string } | null }).image?.rootHash;
    const end: End = {
      ...{ outcome: "verified", reason: null, next: null, counters: null },
      rootHash: rootHash ?? null,
    };
    return [
      {
        type: "alive",
        state: "idle",
        report: { session: session.id, attempt, phase: "done", end },
      },
    ];
  }
}
