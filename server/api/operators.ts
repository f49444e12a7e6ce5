import { randomBytes } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { isSecretOf, nobodys, salted } from "../../core/node/salted.ts";
import type { Clock } from "../../core/ports.ts";
import type { NewOperator, OperatorView, Role } from "../../core/wire/api.ts";
import { operatorNameRule, suggestedName } from "../../core/wire/names.ts";
import { type Keep, keptHere, type RecordKeeper } from "../state/kept-records.ts";
import type { OperatorRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import { Passwords } from "./passwords.ts";

type Provider = NonNullable<OperatorRecord["provider"]>;

/** Of a token's secret, which nobody guesses: some 50 ms of a core. */
const cost = { N: 16384, r: 8, p: 1 };
const secretBytes = 32;
/** Milliseconds within which a second call of an operator is not recorded as "last seen". */
const seenEveryMs = 60_000;

/**
 * Who may use the API over the network. A token is NAME.SECRET; of the secret only a salted scrypt
 * hash is kept. A token that was checked once is known by its SHA-256 until something changes.
 */
export class Operators {
  private readonly state: StateStore;
  private readonly clock: Clock;
  private readonly records: Map<string, OperatorRecord>;
  private readonly checked = new Map<string, string>();
  private readonly passwords = new Passwords();
  private readonly changes = new Map<string, AbortController>();
  private readonly keeper: RecordKeeper<OperatorRecord>;
  private loginsOver: (name: string) => void = () => {};

  /** `keep`: who decides which operators there are. */
  constructor(state: StateStore, clock: Clock, keep: Keep<OperatorRecord> = keptHere) {
    this.state = state;
    this.clock = clock;
    this.records = new Map(state.operators().map((record) => [record.name, record]));
    this.keeper = keep({
      list: () => [...this.records.values()],
      take: (record) => this.take(record),
      drop: (name) => this.drop(name),
    });
  }

  /** `over`: called when the logins of an operator end, who is removed or has another password. */
  onLoginsOver(over: (name: string) => void): void {
    this.loginsOver = over;
  }

  list(): OperatorView[] {
    return [...this.records.values()].map(view).sort((a, b) => a.name.localeCompare(b.name, "en"));
  }

  get(name: string): OperatorView | null {
    const record = this.records.get(name);
    return record === undefined ? null : view(record);
  }

  /** Throws `not-found`. */
  require(name: string): OperatorView {
    return view(this.recordOf(name));
  }

  /** Answers the token, which is not kept and cannot be shown again. Rejects with `conflict`. */
  async add(name: string, role: Role): Promise<NewOperator> {
    this.requireNew(name);
    const secret = randomBytes(secretBytes).toString("base64url");
    const kept = await salted(secret, cost);
    this.requireNew(name);
    const record: OperatorRecord = {
      name,
      role,
      ...kept,
      createdAt: this.clock.isoTime(),
      lastSeen: null,
    };
    await this.keeper.add(record);
    return { ...view(record), token: `${name}.${secret}` };
  }

  /** The operator whom a provider of identities knows as this; null: there is none. */
  of({ issuer, subject }: Provider): OperatorView | null {
    for (const record of this.records.values()) {
      const { provider } = record;
      if (provider?.issuer === issuer && provider.subject === subject) return view(record);
    }
    return null;
  }

  /** The same, with this role from now on; a new operator with a name like `wanted` if there was none. */
  async admit({ issuer, subject }: Provider, wanted: string, role: Role): Promise<OperatorView> {
    const known = this.of({ issuer, subject });
    if (known !== null) return known.role === role ? known : this.setRole(known.name, role);
    const createdAt = this.clock.isoTime();
    const name = this.freeName(wanted.split("@")[0] ?? "");
    const record: OperatorRecord = {
      ...{ name, role, provider: { issuer, subject }, createdAt, lastSeen: null },
    };
    await this.keeper.add(record);
    return view(record);
  }

  /** What the operator has open ends, and opens again with the new role. Rejects with `not-found`. */
  async setRole(name: string, role: Role): Promise<OperatorView> {
    this.recordOf(name);
    await this.keeper.change(name, (record) => ({ ...record, role }));
    return this.require(name);
  }

  /** Null: no password any more. The operator's logins end. Rejects with `not-found`, and `usage` for one that is too short. */
  async setPassword(name: string, password: string | null): Promise<OperatorView> {
    this.recordOf(name);
    const hash = password === null ? null : await this.passwords.hash(password);
    await this.keeper.change(name, ({ password: _, ...others }) => ({
      ...others,
      ...(hash === null ? {} : { password: hash }),
    }));
    return this.require(name);
  }

  /** Token and password stop working, and what is open ends. Rejects with `not-found`. */
  async remove(name: string): Promise<void> {
    this.recordOf(name);
    await this.keeper.remove(name);
  }

  /** The operator whose token it is, if it was checked before; this costs next to nothing. */
  known(token: string): OperatorView | null {
    const name = this.checked.get(digest(token));
    return name === undefined ? null : this.seen(name);
  }

  /** The operator whose token it is, or null. An unknown name takes as long as a known one. */
  async check(token: string): Promise<OperatorView | null> {
    const dot = token.indexOf(".");
    const record = this.records.get(token.slice(0, Math.max(0, dot)));
    const { salt = nobodys.salt, hash = nobodys.hash } = record ?? nobodys;
    const isRight = await isSecretOf({ salt, hash }, token.slice(dot + 1), cost);
    if (!isRight || record?.hash === undefined || this.records.get(record.name) !== record)
      return null;
    this.checked.set(digest(token), record.name);
    return this.seen(record.name);
  }

  /** The operator whose password it is, or null. A name that is unknown or has none takes as long. */
  async checkPassword(name: string, password: string): Promise<OperatorView | null> {
    const stored = this.records.get(name)?.password;
    const isRight = await this.passwords.isRight(password, stored);
    return isRight && this.records.get(name)?.password === stored ? this.seen(name) : null;
  }

  /** Tells when the operator is removed or gets another role. */
  changeOf(name: string): AbortSignal {
    const change = this.changes.get(name) ?? new AbortController();
    this.changes.set(name, change);
    return change.signal;
  }

  /** The operator has called, just now; null: there is none of this name. */
  seen(name: string): OperatorView | null {
    const record = this.records.get(name);
    if (record === undefined) return null;
    const now = this.clock.isoTime();
    if (record.lastSeen === null || Date.parse(now) - Date.parse(record.lastSeen) > seenEveryMs) {
      record.lastSeen = now;
      this.state.saveOperator(record);
    }
    return view(record);
  }

  /** A name that nobody has, like this one. */
  private freeName(wanted: string): string {
    const name = suggestedName(operatorNameRule, wanted) ?? "person";
    for (let number = 1; ; number++) {
      const numbered = number === 1 ? name : `${name.slice(0, 24)}-${number}`;
      if (!this.records.has(numbered)) return numbered;
    }
  }

  private take(record: OperatorRecord): void {
    const { name } = record;
    const before = this.records.get(name);
    const isSame = before?.createdAt === record.createdAt;
    const saved = isSame ? { ...record, lastSeen: before.lastSeen } : record;
    this.state.saveOperator(saved);
    this.records.set(name, saved);
    if (before === undefined) return;
    if (before.hash !== record.hash || before.salt !== record.salt) this.forgetTokens(name);
    if (!isSame || before.password?.hash !== record.password?.hash) this.loginsOver(name);
    if (!isSame || before.role !== record.role) this.tellChange(name);
  }

  private drop(name: string): void {
    if (!this.records.has(name)) return;
    this.state.removeOperator(name);
    this.records.delete(name);
    this.forgetTokens(name);
    this.loginsOver(name);
    this.tellChange(name);
  }

  private forgetTokens(name: string): void {
    for (const [token, holder] of this.checked) if (holder === name) this.checked.delete(token);
  }

  private tellChange(name: string): void {
    this.changes.get(name)?.abort();
    this.changes.delete(name);
  }

  private recordOf(name: string): OperatorRecord {
    const record = this.records.get(name);
    if (record !== undefined) return record;
    throw new RoomcastError(
      "not-found",
      `there is no operator ${JSON.stringify(name)}`,
      "see `roomcast operator list`",
    );
  }

  private requireNew(name: string): void {
    if (!this.records.has(name)) return;
    throw new RoomcastError(
      "conflict",
      `there already is an operator ${name}`,
      `choose another name, or remove it first with \`roomcast operator remove ${name}\``,
    );
  }
}

const digest = (token: string): string => hexSha256(token);

const view = (record: OperatorRecord): OperatorView => ({
  name: record.name,
  role: record.role,
  password: record.password !== undefined,
  issuer: record.provider?.issuer ?? null,
  createdAt: record.createdAt,
  lastSeen: record.lastSeen,
});
