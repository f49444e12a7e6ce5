/** A PC as the server hears it: a real link with a key of its own, and an agent that only says what an agent says. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { retryFirst, retryMost } from "../../../core/agent/link.ts";
import { spkiOf } from "../../../core/node/key-forms.ts";
import { loginDigest } from "../../../core/node/login.ts";
import { exporterOf } from "../../../core/node/pin.ts";
import type { AgentMessage } from "../../../core/wire/agent-message.ts";
import { bulkKind, encodeBulk } from "../../../core/wire/bulk.ts";
import { aliveEvery } from "../../../core/wire/control.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { Counters, Report } from "../../../core/wire/work.ts";
import { greetOf, newNonce } from "../../server/gate/login.ts";
import { LeanLink } from "./lean-link.ts";
import { diskOf, helloOfPc } from "./seed.ts";

/** What a PC at work says of it, as an agent does four times a second; in milliseconds. */
const progressEvery = 250;
const mib = 1024 * 1024;

/** What the process that runs the PCs is told of one. */
export interface PcOrder {
  readonly number: number;
  /** PKCS #8 in PEM. */
  readonly key: string;
}

export interface PcEvents {
  /** Said once for each connection that is let in. */
  welcome(): void;
  /** A connection that was let in has ended. */
  cut(reason: string): void;
  /** A connection has ended before it was let in, and is tried again. */
  refused(reason: string): void;
}

export class BenchPc {
  private readonly number: number;
  private readonly key: KeyObject;
  private readonly spki: Buffer;
  private readonly port: number;
  private readonly events: PcEvents;
  private link: LeanLink | null = null;
  private isWelcome = false;
  private isOver = false;
  private report: Report | null = null;
  private pause: number = retryFirst;
  private done = 0;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor({ number, key }: PcOrder, port: number, events: PcEvents) {
    this.number = number;
    this.key = createPrivateKey(key);
    this.spki = spkiOf(this.key);
    this.port = port;
    this.events = events;
  }

  come(): void {
    const pcNonce = newNonce();
    const local = [this.number >> 16, this.number >> 8, this.number].map((part) => part & 255);
    // Each has an address of its own, as in a building.
    const localAddress = `127.${16 + (local[0] ?? 0)}.${local[1]}.${local[2]}`;
    let channel: TLSSocket | null = null;
    const link = new LeanLink(this.port, localAddress, {
      open(socket) {
        channel = socket;
        link.sendText(JSON.stringify(greetOf(pcNonce)));
      },
      text: (text) => {
        const message = JSON.parse(text) as ServerMessage;
        if (message.type === "challenge" && channel !== null)
          link.sendText(this.proof(message.nonce, pcNonce, exporterOf(channel)));
        else this.take(message);
      },
      closed: (reason) => this.ended(reason),
    });
    this.link = link;
  }

  leave(): void {
    this.isOver = true;
    this.stopTimers();
    this.link?.cut();
  }

  private proof(serverNonce: string, pcNonce: Uint8Array, exporter: Uint8Array): string {
    const { key, spki, number } = this;
    const hello = JSON.stringify({ ...helloOfPc(number), report: this.report });
    const kind = "file";
    const digest = loginDigest({
      ...{ exporter, pcNonce, hello, spki, kind },
      serverNonce: Buffer.from(serverNonce, "base64"),
    });
    const signature = sign("sha256", digest, { key, dsaEncoding: "ieee-p1363" });
    const nonce = Buffer.from(pcNonce).toString("base64");
    const texts = { spki: spki.toString("base64"), signature: signature.toString("base64") };
    return JSON.stringify({ type: "proof", nonce, kind, hello, quote: null, ...texts });
  }

  private take(message: ServerMessage): void {
    if (message.type === "welcome") {
      this.isWelcome = true;
      this.pause = retryFirst;
      this.timers.push(setInterval(() => this.sayAlive(), aliveEvery));
      this.events.welcome();
    } else if (message.type === "restore") this.work(message);
    else if (message.type === "cancel") this.report = null;
  }

  private work(order: Extract<ServerMessage, { type: "restore" }>): void {
    const { session, attempt } = order;
    if (this.report?.session === session && this.report.attempt === attempt) return;
    this.report = { session, attempt, phase: "working", end: null };
    this.sayAlive();
    this.link?.sendBytes(encodeBulk(bulkKind.wants, order.cast.tag, new Uint8Array([0xff])));
    const disk = diskOf(this.number);
    this.say({ type: "ready", session, attempt, disk, counters: this.counters() });
    const timer = setInterval(() => {
      if (this.report?.session !== session) return clearInterval(timer);
      this.done = (this.done + mib) % (64 * mib);
      const counters = this.counters();
      const far = { bytesDone: this.done, bytesTotal: 64 * mib, counters, trouble: null };
      this.say({ type: "progress", session, attempt, phase: "receiving", ...far });
    }, progressEvery);
    this.timers.push(timer);
  }

  private counters(): Counters {
    const { done } = this;
    return {
      ...{ bytesWanted: 64 * mib, bytesReceived: done, bytesWritten: done, bytesVerified: 0 },
      ...{ chunksKept: 0, chunksWritten: done / mib, forgedPackets: 0 },
      ...{ lossRatio: 0.001, writeBps: 90e6 },
    };
  }

  private sayAlive(): void {
    const state = this.report === null ? "idle" : "receiving";
    this.say({ type: "alive", state, report: this.report });
  }

  private say(message: AgentMessage): void {
    if (this.link?.canSend === true) this.link.sendText(JSON.stringify(message));
  }

  private ended(reason: string): void {
    this.stopTimers();
    if (this.isOver) return;
    if (this.isWelcome) this.events.cut(reason);
    else this.events.refused(reason);
    this.isWelcome = false;
    setTimeout(() => this.come(), this.pause);
    this.pause = Math.min(this.pause * 2, retryMost);
  }

  private stopTimers(): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
  }
}
