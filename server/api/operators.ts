import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import type { Clock } from "../../core/ports.ts";
import type { NewOperator, OperatorView, Role } from "../../core/wire/api.ts";
import type { OperatorRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";

const derive = promisify<Buffer, Buffer, number, Buffer>(scrypt);
/** Node's scrypt defaults to N 16384, r 8, p 1: some 50 ms of a core. */
const hashBytes = 32;
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

  constructor(state: StateStore, clock: Clock) {
    this.state = state;
    this.clock = clock;
    this.records = new Map(state.operators().map((record) => [record.name, record]));
  }

  list(): OperatorView[] {
    return [...this.records.values()].map(view).sort((a, b) => a.name.localeCompare(b.name, "en"));
  }

  /** Answers the token, which is not kept and cannot be shown again. Throws `conflict`. */
  async add(name: string, role: Role): Promise<NewOperator> {
    this.requireNew(name);
    const secret = randomBytes(secretBytes).toString("base64url");
    const salt = randomBytes(16);
    const hash = await derive(Buffer.from(secret), salt, hashBytes);
    this.requireNew(name);
    const record: OperatorRecord = {
      name,
      role,
      salt: salt.toString("hex"),
      hash: hash.toString("hex"),
      createdAt: this.clock.isoTime(),
      lastSeen: null,
    };
    this.records.set(name, record);
    this.state.saveOperator(record);
    return { ...view(record), token: `${name}.${secret}` };
  }

  /** The operator's token stops working. Throws `not-found`. */
  remove(name: string): void {
    if (!this.records.delete(name)) {
      throw new RoomcastError(
        "not-found",
        `there is no operator ${JSON.stringify(name)}`,
        "see `roomcast operator list`",
      );
    }
    for (const [token, holder] of this.checked) {
      if (holder === name) this.checked.delete(token);
    }
    this.state.removeOperator(name);
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
    const salt = Buffer.from(record?.salt ?? "00".repeat(16), "hex");
    const hash = await derive(Buffer.from(token.slice(dot + 1)), salt, hashBytes);
    const wanted = Buffer.from(record?.hash ?? "00".repeat(hashBytes), "hex");
    const isRight = timingSafeEqual(hash, wanted) && record !== undefined;
    if (!isRight || this.records.get(record.name) !== record) return null;
    this.checked.set(digest(token), record.name);
    return this.seen(record.name);
  }

  private seen(name: string): OperatorView | null {
    const record = this.records.get(name);
    if (record === undefined) return null;
    const now = this.clock.isoTime();
    if (record.lastSeen === null || Date.parse(now) - Date.parse(record.lastSeen) > seenEveryMs) {
      record.lastSeen = now;
      this.state.saveOperator(record);
    }
    return view(record);
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

const view = ({ name, role, createdAt, lastSeen }: OperatorRecord): OperatorView => ({
  name,
  role,
  createdAt,
  lastSeen,
});
