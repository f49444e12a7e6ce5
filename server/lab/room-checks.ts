import { randomInt } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import {
  judgeRoom,
  type PcFigures,
  type RateFigures,
  type RoomFigures,
} from "../../core/screen/room-check.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { Finding } from "../../core/wire/api.ts";
import { checkPacketBits, checkStepsLimit } from "../../core/wire/check.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import { sessionText, type Traffic } from "./session-work.ts";
import type { LabTimers } from "./timers.ts";

/** In bits a second; those above the server's own link, or the operator's limit, are left out. */
const ratesBps = [50e6, 90e6, 200e6, 400e6, 600e6, 900e6];
/** Of a burst, in milliseconds: 600 packets at 50 Mbit/s say a loss of one percent. */
const burstMs = 150;
/** A burst that went at less of its rate is told at the rate at which it went. */
const heldRatio = 0.9;
/** A switch that snoops has to learn that these ports want the group, in milliseconds. */
const joinMs = 500;
/** Between two rates, in milliseconds: queues on the way empty. */
const pauseMs = 200;
/** For the PCs to say what they heard, in milliseconds. */
const answerMs = 5000;
/** Above the ports that a person at a PC may check by; below those that are given out. */
const checkPort = 7399;

/** A burst, by its place among those that the PCs count, and the rate at which it went. */
interface Sent {
  readonly index: number;
  readonly rateBps: number;
  readonly count: number;
}

type Heard = Extract<AgentMessage, { type: "heard" }>;

export interface RoomChecksPorts {
  readonly timers: Pick<LabTimers, "sleep">;
  /** The PCs of the room that are connected and at nothing. */
  idle(room: string): readonly { readonly id: string; readonly name: string }[];
  /** What sessions move now. */
  traffic(): readonly Traffic[];
  networkOf(pc: string): string;
  /** The image that is named, or else the one that the room was restored from last. Throws `not-found`. */
  image(room: string, reference: string | null): RoomFigures["image"];
  send(pc: string, message: ServerMessage): void;
  readonly wire: CheckWire;
}

/** What the server's own end of a network can do and knows. */
export interface CheckWire {
  /** The link's speed, or the operator's limit for the room, in bits a second; null: not known. */
  limitBps(network: string, room: string): Promise<number | null>;
  hasQuerier(network: string): boolean | null;
  /** What carries the network: its interface, or the one that it is a VLAN of. */
  cableOf(network: string): string;
  /** Resolves with the rate at which it went, in bits a second. */
  burst(
    network: string,
    burst: { port: number; nonce: number; count: number; rateBps: number },
  ): Promise<number>;
}

/** Checks of a room's network, one at a time: they would measure each other. */
export class RoomChecks {
  private readonly ports: RoomChecksPorts;
  private readonly heard = new Map<string, Heard>();
  private request: string | null = null;

  constructor(ports: RoomChecksPorts) {
    this.ports = ports;
  }

  /**
   * What the room's PCs hear of the server's multicast, and how long an image takes by that. `reference`: as in the
   * ports. Throws `conflict`, `refused` and `not-found`.
   */
  async check(room: string, reference: string | null = null): Promise<Finding[]> {
    const { idle, networkOf } = this.ports;
    const pcs = idle(room);
    const image = this.ports.image(room, reference);
    const networks = new Set(pcs.map(({ id }) => networkOf(id)));
    this.requireQuiet(networks);
    if (this.request !== null) throw conflict("a room is being checked", "try again in a moment");
    if (pcs.length === 0) {
      const next =
        "boot its PCs from the network, or wait for the end of their session: those that are idle at their menu are asked";
      throw new RoomcastError("refused", `no PC of room ${room} is idle`, next);
    }
    this.request = randomInt(2 ** 47).toString(36);
    try {
      const findings: Finding[] = [];
      for (const network of networks) {
        const here = pcs.filter(({ id }) => networkOf(id) === network);
        findings.push(
          ...(await this.checkOn({ network, room, image, request: this.request }, here)),
        );
      }
      return findings;
    } finally {
      this.request = null;
      this.heard.clear();
    }
  }

  /** A PC's answer; one that nobody waits for is dropped. */
  take(pc: string, message: Heard): void {
    if (message.request === this.request) this.heard.set(pc, message);
  }

  /** Throws `conflict` while a session moves data on the cable of one of these networks. */
  private requireQuiet(networks: ReadonlySet<string>): void {
    const { traffic, wire } = this.ports;
    const cables = new Set([...networks].map((network) => wire.cableOf(network)));
    const found = traffic().find(({ network }) => cables.has(wire.cableOf(network)));
    if (found === undefined) return;
    const { session, network } = found;
    const where = networks.has(network) ? network : `${network}, which has the same cable`;
    throw conflict(
      `${sessionText(session)} moves data on ${where}, and the check would hold it up`,
      `wait for its end, or \`roomcast session stop ${session.id}\``,
    );
  }

  private async checkOn(
    at: Pick<RoomFigures, "image"> & {
      readonly network: string;
      readonly room: string;
      readonly request: string;
    },
    pcs: readonly { readonly id: string; readonly name: string }[],
  ): Promise<Finding[]> {
    const { network, room, image, request } = at;
    const { timers, send, wire } = this.ports;
    const never = new AbortController().signal;
    const limitBps = (await wire.limitBps(network, room)) ?? Number.POSITIVE_INFINITY;
    // The lowest is tried on any link.
    const rates = ratesBps
      .filter((rate, index) => index === 0 || rate <= limitBps)
      .slice(0, checkStepsLimit);
    const nonce = randomInt(2 ** 31);
    const bursts = rates.map((rateBps, index) => ({
      ...{ rateBps, port: checkPort, nonce: nonce + index },
      count: Math.ceil((rateBps * burstMs) / 1000 / checkPacketBits),
    }));
    for (const { id } of pcs)
      send(id, { type: "listen", request, port: checkPort, nonce, steps: bursts.length });
    await timers.sleep(joinMs, never);
    const sent: Sent[] = [];
    for (const [index, burst] of bursts.entries()) {
      const wentBps = await wire.burst(network, burst);
      const rateBps = wentBps < burst.rateBps * heldRatio ? wentBps : burst.rateBps;
      // One that went no faster than another before it says nothing of a higher rate.
      if (rateBps > (sent.at(-1)?.rateBps ?? 0)) sent.push({ index, rateBps, count: burst.count });
      await timers.sleep(pauseMs, never);
    }
    for (const { id } of pcs) send(id, { type: "listen-end", request });
    for (let waited = 0; waited < answerMs; waited += pauseMs) {
      if (pcs.every(({ id }) => this.heard.has(id))) break;
      await timers.sleep(pauseMs, never);
    }
    return judgeRoom({
      pcs: pcs.map(({ id, name }) => figuresOf(name, this.heard.get(id), sent)),
      hasQuerier: wire.hasQuerier(network),
      image,
    });
  }
}

function figuresOf(name: string, heard: Heard | undefined, sent: readonly Sent[]): PcFigures {
  if (heard === undefined) return { name, heard: null };
  const { received, dropped, speedMbps, duplex, errors, reason } = heard;
  const steps = sent.map(
    ({ index, rateBps, count }): RateFigures => ({
      ...{ rateBps, sent: count, received: Math.min(count, received[index] ?? 0) },
    }),
  );
  return { name, heard: { steps, dropped, speedMbps, duplex, errors, reason } };
}

const conflict = (what: string, next: string): RoomcastError =>
  new RoomcastError("conflict", what, next);
