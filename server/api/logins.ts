import { randomBytes } from "node:crypto";
import { assert } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import type { Clock } from "../../core/ports.ts";
import type { LoginView, OperatorView } from "../../core/wire/api.ts";
import type { LoginRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Operators } from "./operators.ts";

/** A browser that nobody uses for so long is logged out, in milliseconds. */
export const idleMs = 12 * 3600_000;
/** And so is every browser so long after its login, in milliseconds. */
export const wholeMs = 7 * 24 * 3600_000;
/** Milliseconds within which a second use is not written down. */
const usedEveryMs = 5 * 60_000;
/** Browsers that one operator, or one wall's link, may have logged in; one more ends the one that was used least lately. */
const atOnce = 32;
const secretBytes = 32;

/** A login that holds. */
export interface Login extends LoginView {
  /** By which it is ended. */
  readonly hash: string;
}

/**
 * Browsers that are logged in, each by a random secret in its cookie of which only the SHA-256 is kept. A login is an
 * operator's, or that of a page on a room's wall. It is worth what they are worth now: the operator's role of
 * today, and nothing once the operator, or the wall's link, is gone.
 */
export class Logins {
  private readonly state: StateStore;
  private readonly clock: Clock;
  private readonly operators: Operators;
  private readonly records: Map<string, LoginRecord>;
  private readonly links: Map<string, string>;
  private readonly ends = new Map<string, AbortController>();

  constructor(state: StateStore, clock: Clock, operators: Operators) {
    this.state = state;
    this.clock = clock;
    this.operators = operators;
    this.records = new Map(state.logins().map((record) => [record.hash, record]));
    this.links = new Map(state.wallLinks().map(({ room, hash }) => [room, hash]));
    operators.onLoginsOver((name) => this.endAll(name));
  }

  /** For the operator; `secret` goes into the cookie. */
  open({ name, createdAt }: OperatorView): { readonly secret: string; readonly login: Login } {
    return this.add({ operator: name, since: createdAt });
  }

  /** For the page on a wall that has the secret of its link; null: there is no such link. */
  openWall(linkSecret: string): { readonly secret: string; readonly login: Login } | null {
    const link = hexSha256(linkSecret);
    for (const [room, hash] of this.links) if (hash === link) return this.add({ room, link });
    return null;
  }

  /** The login whose secret it is, which counts as a use of it; null: there is none, or it is over. */
  use(secret: string): Login | null {
    const record = this.records.get(hexSha256(secret));
    if (record === undefined) return null;
    const login = this.viewOf(record);
    if (login === null) {
      this.end(record.hash);
      return null;
    }
    this.touch(record);
    if (login.room === null) this.operators.seen(login.name);
    return login;
  }

  /** Whether what a login has opened may stay open. A wall is used by whoever looks at it; an operator may have left. */
  stays(hash: string): boolean {
    const record = this.records.get(hash);
    if (record === undefined || this.viewOf(record) === null) return false;
    if ("room" in record.who) this.touch(record);
    return true;
  }

  /** Tells when the login is ended. */
  endOf(hash: string): AbortSignal {
    const end = this.ends.get(hash) ?? new AbortController();
    this.ends.set(hash, end);
    return end.signal;
  }

  end(hash: string): void {
    this.state.removeLogin(hash);
    this.records.delete(hash);
    this.ends.get(hash)?.abort();
    this.ends.delete(hash);
  }

  /** Ends all logins of an operator. */
  endAll(operator: string): void {
    this.endWhere(({ who }) => "operator" in who && who.operator === operator);
  }

  /** Answers the secret of a new link for the wall of the room; an earlier one ends. */
  makeWallLink(room: string, by: string): string {
    this.endWallLink(room);
    const secret = randomBytes(secretBytes).toString("base64url");
    const hash = hexSha256(secret);
    this.state.saveWallLink({ room, hash, by, createdAt: this.clock.isoTime() });
    this.links.set(room, hash);
    return secret;
  }

  /** Who made the link of the room, and when; null: there is none. Its secret is not known any more. */
  wallLink(room: string): { readonly by: string; readonly createdAt: string } | null {
    const found = this.state.wallLinks().find((each) => each.room === room);
    return found === undefined ? null : { by: found.by, createdAt: found.createdAt };
  }

  /** The link of the room, and every page that came with it, is ended; false: there was none. */
  endWallLink(room: string): boolean {
    this.state.removeWallLink(room);
    const had = this.links.delete(room);
    this.endWhere(({ who }) => "room" in who && who.room === room);
    return had;
  }

  private add(who: LoginRecord["who"]): { readonly secret: string; readonly login: Login } {
    this.endWhere((each) => this.viewOf(each) === null);
    const holder = JSON.stringify(who);
    const others = [...this.records.values()].filter((each) => JSON.stringify(each.who) === holder);
    const [oldest] = others.toSorted((a, b) => Date.parse(a.usedAt) - Date.parse(b.usedAt));
    if (others.length >= atOnce && oldest !== undefined) this.end(oldest.hash);
    const secret = randomBytes(secretBytes).toString("base64url");
    const openedAt = this.clock.isoTime();
    const record = { hash: hexSha256(secret), who, openedAt, usedAt: openedAt };
    this.state.saveLogin(record);
    this.records.set(record.hash, record);
    const login = this.viewOf(record);
    assert(login !== null, "what was just opened holds");
    return { secret, login };
  }

  /** What it is worth now; null: it is over. */
  private viewOf({ hash, who, openedAt, usedAt }: LoginRecord): Login | null {
    const whole = Date.parse(openedAt) + wholeMs;
    const now = this.now();
    if (now >= Math.min(whole, Date.parse(usedAt) + idleMs)) return null;
    const until = new Date(Math.min(whole, now + idleMs)).toISOString();
    if ("room" in who) {
      const { room, link } = who;
      return this.links.get(room) === link
        ? { hash, name: "wall", role: "wall", room, until }
        : null;
    }
    const operator = this.operators.get(who.operator);
    if (operator?.createdAt !== who.since) return null;
    return { hash, name: operator.name, role: operator.role, room: null, until };
  }

  private touch(record: LoginRecord): void {
    if (this.now() - Date.parse(record.usedAt) < usedEveryMs) return;
    record.usedAt = this.clock.isoTime();
    this.state.saveLogin(record);
  }

  private endWhere(isMeant: (record: LoginRecord) => boolean): void {
    for (const record of [...this.records.values()]) if (isMeant(record)) this.end(record.hash);
  }

  private now(): number {
    return Date.parse(this.clock.isoTime());
  }
}
