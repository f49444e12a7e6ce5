/**
 * The agent's connection to its server, as a machine: events and the time in, actions out. It never
 * gives up. A task under way is not its affair: it goes on whatever the connection does.
 */
import { assert } from "../errors.ts";
import { type Millis, millis } from "../units/units.ts";
import { aliveEvery, silenceLimit } from "../wire/control.ts";
import { type Challenge, controlProtocol } from "../wire/login.ts";
import type { ServerMessage } from "../wire/server-message.ts";

/** The first pause between two tries; it doubles up to `retryMost`. */
export const retryFirst = millis(500);
export const retryMost = millis(5000);
/** The pause after another key was met: somebody has to put the network right first. */
export const retryOtherKey = millis(30_000);
/** A connection attempt, the greeting included, takes a busy server less than this. */
export const greetLimit = millis(10_000);
/** A look at the disks takes seconds, and so does a TPM that makes its key anew and quotes with it. */
export const proveLimit = millis(30_000);

export type Welcome = Extract<ServerMessage, { type: "welcome" }>;

export type LinkState =
  | { readonly name: "resting"; readonly retryAt: Millis }
  | { readonly name: "connecting"; readonly until: Millis }
  /** `greet` is said, the challenge not yet heard. */
  | { readonly name: "greeting"; readonly until: Millis }
  /** The challenge is heard: the key is proven with the hello, `welcome` is not yet heard. */
  | { readonly name: "proving"; readonly until: Millis }
  | { readonly name: "connected"; readonly heardAt: Millis; readonly saidAt: Millis };

export type LinkEvent =
  | { readonly type: "opened" }
  /** A frame came; `message` is null when it was none of ours. */
  | { readonly type: "heard"; readonly message: ServerMessage | null }
  /** The connection is over, or was never made: why, and what to check, in words. */
  | { readonly type: "closed"; readonly detail: string }
  /** The server closed the connection with a reason of its own. */
  | { readonly type: "refused"; readonly reason: string }
  /** What answers there has another key than the server: nothing was said to it. */
  | { readonly type: "other-key"; readonly detail: string }
  /** What the agent is at has changed: the server hears of it at once. */
  | { readonly type: "changed" }
  | { readonly type: "tick" };

/**
 * `other-version`: the server answers, in a protocol that is not this agent's; `refused`: it wants no
 * connection with this PC; `other-key`: what answers does not have the key that this PC was started with.
 */
export type DownReason = "unreachable" | "other-version" | "refused" | "other-key";

/** What keeps the agent from its server, in words with what to check. */
export interface LinkTrouble {
  readonly why: DownReason;
  readonly detail: string;
}

/** The link as the screen names it. */
export type LinkWord =
  | "searching"
  | "proving"
  | "connected"
  | "lost"
  | Exclude<DownReason, "unreachable">;

export type LinkAction =
  | { readonly type: "open" }
  | { readonly type: "close" }
  | { readonly type: "greet" }
  /** The answer to this challenge is the proof of the PC's key, and what the PC says of itself. */
  | { readonly type: "prove"; readonly challenge: Challenge }
  | { readonly type: "alive" }
  | { readonly type: "up"; readonly welcome: Welcome }
  | { readonly type: "message"; readonly message: ServerMessage }
  /** Said once a try; `isNews`: the try before had another trouble, or none. */
  | { readonly type: "down"; readonly trouble: LinkTrouble; readonly isNews: boolean };

/** `handle({type: "tick"}, now)` starts it. */
export class LinkMachine {
  private current: LinkState = { name: "resting", retryAt: millis(0) };
  private pause: Millis = retryFirst;
  private lastWelcome: Welcome | null = null;
  private lastTrouble: LinkTrouble | null = null;

  get state(): LinkState {
    return this.current;
  }

  /** The latest; null before the first. */
  get welcome(): Welcome | null {
    return this.lastWelcome;
  }

  /** Of the latest try; null while connected, and before the first. */
  get trouble(): LinkTrouble | null {
    return this.lastTrouble;
  }

  get word(): LinkWord {
    const { name } = this.current;
    if (name === "connected" || name === "proving") return name;
    const why = this.lastTrouble?.why ?? "unreachable";
    if (why !== "unreachable") return why;
    return this.lastWelcome === null ? "searching" : "lost";
  }

  /** When it wants a `tick`. */
  get deadline(): Millis {
    const { current } = this;
    if (current.name === "resting") return current.retryAt;
    if (current.name !== "connected") return current.until;
    return millis(Math.min(current.heardAt + silenceLimit, current.saidAt + aliveEvery));
  }

  handle(event: LinkEvent, now: Millis): LinkAction[] {
    const { current } = this;
    switch (event.type) {
      case "opened":
        if (current.name !== "connecting") return [];
        this.current = { name: "greeting", until: current.until };
        return [{ type: "greet" }];
      case "heard":
        return this.heard(event.message, now);
      case "closed":
        return current.name === "resting"
          ? []
          : this.rest({ why: "unreachable", detail: event.detail }, now);
      case "refused":
        if (current.name === "resting") return [];
        this.pause = retryMost;
        return this.rest({ why: "refused", detail: event.reason }, now);
      case "other-key":
        if (current.name === "resting") return [];
        this.pause = retryOtherKey;
        return this.rest({ why: "other-key", detail: event.detail }, now);
      case "changed":
        return current.name === "connected" ? this.sayAlive(current, now) : [];
      case "tick":
        return this.tick(now);
    }
  }

  private heard(message: ServerMessage | null, now: Millis): LinkAction[] {
    const { current } = this;
    if (current.name === "greeting" && message?.type === "challenge") {
      if (message.protocol !== controlProtocol) {
        this.pause = retryMost;
        const detail = otherProtocol(message);
        return [{ type: "close" }, ...this.rest({ why: "other-version", detail }, now)];
      }
      this.current = { name: "proving", until: millis(now + proveLimit) };
      return [{ type: "prove", challenge: message }];
    }
    if (current.name === "proving" && message?.type === "welcome") {
      this.pause = retryFirst;
      this.lastWelcome = message;
      this.lastTrouble = null;
      this.current = { name: "connected", heardAt: now, saidAt: now };
      return [{ type: "up", welcome: message }];
    }
    if (current.name !== "connected") return [];
    this.current = { ...current, heardAt: now };
    if (message === null || isOfLogin(message) || message.type === "alive") return [];
    return [{ type: "message", message }];
  }

  private tick(now: Millis): LinkAction[] {
    const { current } = this;
    if (now < this.deadline) return [];
    switch (current.name) {
      case "resting":
        this.current = { name: "connecting", until: millis(now + greetLimit) };
        return [{ type: "open" }];
      case "connecting":
      case "greeting":
      case "proving":
        return [{ type: "close" }, ...this.rest({ why: "unreachable", detail: noAnswer }, now)];
      case "connected":
        if (now >= current.heardAt + silenceLimit) {
          return [{ type: "close" }, ...this.rest({ why: "unreachable", detail: fellSilent }, now)];
        }
        return this.sayAlive(current, now);
    }
  }

  private sayAlive(current: Extract<LinkState, { name: "connected" }>, now: Millis): LinkAction[] {
    this.current = { ...current, saidAt: now };
    return [{ type: "alive" }];
  }

  private rest(trouble: LinkTrouble, now: Millis): LinkAction[] {
    assert(this.current.name !== "resting", "only what was tried can fail");
    const isNews = trouble.detail !== this.lastTrouble?.detail;
    this.lastTrouble = trouble;
    this.current = { name: "resting", retryAt: millis(now + this.pause) };
    this.pause = millis(Math.min(this.pause * 2, retryMost));
    return [{ type: "down", trouble, isNews }];
  }
}

/** A login is over once the welcome was heard: nothing of one is taken again. */
const isOfLogin = ({ type }: ServerMessage): boolean => type === "challenge" || type === "welcome";

const noAnswer =
  "the server does not answer; check the cable, the switch port, and that the server runs";
const fellSilent =
  "the server has fallen silent; check the cable and the switch, and that the server runs";

const otherProtocol = ({ protocol, serverVersion }: Challenge): string =>
  `the server (${serverVersion}) speaks protocol ${protocol}, this agent ${controlProtocol}; ` +
  (protocol > controlProtocol
    ? "restart this PC to get the server's agent"
    : "update the server, or start the agent that came with it");
