import { RoomcastError } from "../../core/errors.ts";
import { isPrivateKey, keyLinesLimit, readPublicKeys } from "../../core/node/openssh.ts";
import type { SshKeyView } from "../../core/wire/api.ts";
import type { SshKeyRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Inventory } from "./inventory.ts";

/** Stored keys in all. */
const keysLimit = 256;
/** What `Personal` takes: lines of one room's keys. */
const roomLinesLimit = 64;

export interface SshKeysPorts {
  readonly store: Pick<StateStore, "sshKeys" | "saveSshKey" | "removeSshKey">;
  readonly inventory: Pick<Inventory, "rooms" | "room">;
  isoTime(): string;
}

/** The public SSH keys of administrators, which rooms name. */
export class SshKeys {
  private readonly ports: SshKeysPorts;
  private readonly records: Map<string, SshKeyRecord>;

  constructor(ports: SshKeysPorts) {
    this.ports = ports;
    this.records = new Map(ports.store.sshKeys().map((key) => [key.name, key]));
  }

  list(): SshKeyView[] {
    return [...this.records.values()]
      .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
      .map(view);
  }

  /** Throws `conflict` for a name that there is, and `bad-input` for a text that is no public keys. */
  add(name: string, text: string, by: string): SshKeyView {
    if (isPrivateKey(text)) {
      throw new RoomcastError(
        "bad-input",
        "THIS IS A PRIVATE KEY: nobody but its owner may have it, and it was not stored",
        "give the file that ends in .pub; if the private key has been seen by others, make a new one",
      );
    }
    const read = readPublicKeys(text);
    if (!read.ok) {
      const next = `give a file of ssh-keygen's that ends in .pub, or up to ${keyLinesLimit} such lines, without options before the type`;
      throw new RoomcastError("bad-input", `it is no public SSH key: ${read.reason}`, next);
    }
    if (this.records.has(name)) {
      const next = `choose another name, or remove that one with \`roomcast key remove ${name}\``;
      throw new RoomcastError("conflict", `there is an SSH key ${name} already`, next);
    }
    if (this.records.size >= keysLimit)
      throw new RoomcastError("refused", `there are ${keysLimit} SSH keys already`, "remove some");
    const lines = read.value.map((key) => key.text);
    const record: SshKeyRecord = { name, lines, by, addedAt: this.ports.isoTime() };
    this.ports.store.saveSshKey(record);
    this.records.set(name, record);
    return view(record);
  }

  /** Throws `not-found`, and `conflict` while a room names it. */
  remove(name: string): void {
    this.record(name);
    const { inventory } = this.ports;
    const names = (room: string): boolean => inventory.room(room).settings.sshKeys.includes(name);
    const rooms = inventory.rooms().filter(names);
    if (rooms.length > 0) {
      throw new RoomcastError(
        "conflict",
        `the SSH key ${name} is used by ${rooms.map((room) => `room ${room}`).join(" and ")}`,
        `name that room's other keys, or none, with \`roomcast room set ${rooms[0]} --ssh-key\``,
      );
    }
    this.ports.store.removeSshKey(name);
    this.records.delete(name);
  }

  /** The lines of these keys; throws `not-found`, and `usage` where they are more than a PC takes. */
  lines(names: readonly string[]): readonly string[] {
    const lines = names.flatMap((name) => this.record(name).lines);
    if (lines.length <= roomLinesLimit) return lines;
    const what = `these SSH keys have ${lines.length} lines, and a room takes ${roomLinesLimit}`;
    throw new RoomcastError("usage", what, "name fewer of them");
  }

  private record(name: string): SshKeyRecord {
    const found = this.records.get(name);
    if (found !== undefined) return found;
    const next = "see `roomcast key list`; an admin stores one with `roomcast key add NAME FILE`";
    throw new RoomcastError("not-found", `there is no SSH key ${JSON.stringify(name)}`, next);
  }
}

function view({ name, lines, by, addedAt }: SshKeyRecord): SshKeyView {
  const read = readPublicKeys(lines.join("\n"));
  const keys = read.ok ? read.value : [];
  return {
    ...{ name, by, addedAt },
    keys: keys.map(({ type, fingerprint, comment }) => ({ type, fingerprint, comment })),
  };
}
