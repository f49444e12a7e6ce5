/**
 * The agent's connection to its server, as a machine: events and the time in, actions out. It never
 * gives up. A task under way is not its affair: it goes on whatever the connection does.
 */
import { assert } from "../../../core/errors.ts";
import { type Millis, millis } from "../../../core/units/units.ts";
import {
  aliveEvery,
  controlProtocol,
  type ServerMessage,
  silenceLimit,
} from "../../../core/wire/control.ts";

/** The first pause between two tries; it doubles up to `retryMost`. */
export const retryFirst = millis(500);
export const retryMost = millis(5000);
/** A connection attempt, the greeting included, takes a busy server less than this. */
export const greetLimit = millis(10_000);

export type Welcome = Extract<ServerMessage, { type: "welcome" }>;

export type LinkState =
  | { readonly name: "resting"; readonly retryAt: Millis }
  | { readonly name: "connecting"; readonly until: Millis }
  /** `hello` is said, `welcome` not yet heard. */
  | { readonly name: "greeting"; readonly until: Millis }
  | { readonly name: "connected"; readonly heardAt: Millis; readonly saidAt: Millis };

export type LinkEvent =
  | { readonly type: "opened" }
  /** A frame came; `message` is null when it was none of ours. */
  | { readonly type: "heard"; readonly message: ServerMessage | null }
  /** The connection is over, or was never made: why, and what to check, in words. */
  | { readonly type: "closed"; readonly detail: string }
  | { readonly type: "tick" };

/** `other-version`: the server answers, in a protocol that is not this agent's. */
export type DownReason = "unreachable" | "other-version";

export type LinkAction =
  | { readonly type: "open" }
  | { readonly type: "close" }
  | { readonly type: "hello" }
  | { readonly type: "alive" }
  | { readonly type: "up"; readonly welcome: Welcome }
  | { readonly type: "message"; readonly message: ServerMessage }
  /** Said once a try: what keeps the agent from its server. */
  | { readonly type: "down"; readonly detail: string; readonly why: DownReason };

/** `handle({type: "tick"}, now)` starts it. */
export class LinkMachine {
  private current: LinkState = { name: "resting", retryAt: millis(0) };
  private pause: Millis = retryFirst;

  get state(): LinkState {
    return this.current;
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
        return [{ type: "hello" }];
      case "heard":
        return this.heard(event.message, now);
      case "closed":
        return current.name === "resting" ? [] : this.rest(event.detail, now);
      case "tick":
        return this.tick(now);
    }
  }

  private heard(message: ServerMessage | null, now: Millis): LinkAction[] {
    const { current } = this;
    if (current.name === "greeting" && message?.type === "welcome") {
      if (message.protocol !== controlProtocol) {
        this.pause = retryMost;
        return [{ type: "close" }, ...this.rest(otherProtocol(message), now, "other-version")];
      }
      this.pause = retryFirst;
      this.current = { name: "connected", heardAt: now, saidAt: now };
      return [{ type: "up", welcome: message }];
    }
    if (current.name !== "connected") return [];
    this.current = { ...current, heardAt: now };
    if (message === null || message.type === "welcome" || message.type === "alive") return [];
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
        return [{ type: "close" }, ...this.rest(noAnswer, now)];
      case "connected":
        if (now >= current.heardAt + silenceLimit) {
          return [{ type: "close" }, ...this.rest(fellSilent, now)];
        }
        this.current = { ...current, saidAt: now };
        return [{ type: "alive" }];
    }
  }

  private rest(detail: string, now: Millis, why: DownReason = "unreachable"): LinkAction[] {
    assert(this.current.name !== "resting", "only what was tried can fail");
    this.current = { name: "resting", retryAt: millis(now + this.pause) };
    this.pause = millis(Math.min(this.pause * 2, retryMost));
    return [{ type: "down", detail, why }];
  }
}

const noAnswer =
  "the server does not answer; check the cable, the switch port, and that the server runs";
const fellSilent =
  "the server has fallen silent; check the cable and the switch, and that the server runs";

const otherProtocol = ({ protocol, serverVersion }: Welcome): string =>
  `the server (${serverVersion}) speaks protocol ${protocol}, this agent ${controlProtocol}; ` +
  (protocol > controlProtocol
    ? "restart this PC to get the server's agent"
    : "update the server, or start the agent that came with it");
