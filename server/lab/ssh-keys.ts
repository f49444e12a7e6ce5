import { RoomcastError } from "../../core/errors.ts";
import { isPrivateKey, keyLinesLimit, readPublicKeys } from "../../core/node/openssh.ts";
import type { SshKeyView } from "../../core/wire/api.ts";
import type { Keep, RecordKeeper } from "../state/kept-records.ts";
import type { SshKeyRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import type { RoomOwners } from "./room-owners.ts";

/** Stored keys in all. */
const keysLimit = 256;
/** What `Personal` takes: lines of one room's keys. */
const roomLinesLimit = 64;

export interface SshKeysPorts {
  readonly store: Pick<StateStore, "sshKeys" | "saveSshKey" | "removeSshKey">;
  readonly inventory: Pick<Inventory, "rooms" | "room" | "changeRoom">;
  readonly announcer: Pick<Announcer, "note" | "room">;
  /** Who decides which keys there are. */
  readonly keep: Keep<SshKeyRecord>;
  readonly owners: Pick<RoomOwners, "roomsElsewhere">;
  isoTime(): string;
}

/** The public SSH keys of administrators, which rooms name. */
export class SshKeys {
  private readonly ports: SshKeysPorts;
  private readonly records: Map<string, SshKeyRecord>;
  private readonly keeper: RecordKeeper<SshKeyRecord>;

  constructor(ports: SshKeysPorts) {
    this.ports = ports;
    this.records = new Map(ports.store.sshKeys().map((key) => [key.name, key]));
    this.keeper = ports.keep({
      list: () => [...this.records.values()],
      take: (record) => this.take(record),
      drop: (name) => this.drop(name),
    });
  }

  list(): SshKeyView[] {
    return [...this.records.values()]
      .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
      .map(view);
  }

  /** Rejects with `conflict` for a name that there is, and `bad-input` for a text that is no public keys. */
  async add(name: string, text: string, by: string): Promise<SshKeyView> {
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
    await this.keeper.add(record);
    return view(record);
  }

  /** Rejects with `not-found`, and `conflict` while a room names it. */
  async remove(name: string): Promise<void> {
    this.record(name);
    const elsewhere = this.ports.owners.roomsElsewhere(name);
    const rooms = [
      ...this.roomsWith(name).map((room) => ({ room, called: `room ${room}` })),
      ...elsewhere.map(({ name: room, server }) => ({
        ...{ room, called: `room ${room} of the server ${server}` },
      })),
    ];
    if (rooms.length > 0) {
      throw new RoomcastError(
        "conflict",
        `the SSH key ${name} is used by ${rooms.map(({ called }) => called).join(" and ")}`,
        `name that room's other keys, or none, with \`roomcast room set ${rooms[0]?.room} --ssh-key\``,
      );
    }
    await this.keeper.remove(name);
  }

  /** The lines of these keys; throws `not-found`, and `usage` where they are more than a PC takes. */
  lines(names: readonly string[]): readonly string[] {
    const lines = names.flatMap((name) => this.record(name).lines);
    if (lines.length <= roomLinesLimit) return lines;
    const what = `these SSH keys have ${lines.length} lines, and a room takes ${roomLinesLimit}`;
    throw new RoomcastError("usage", what, "name fewer of them");
  }

  private take(record: SshKeyRecord): void {
    this.ports.store.saveSshKey(record);
    this.records.set(record.name, record);
  }

  /** Another server may have removed it in the moment in which a room here was set to it. */
  private drop(name: string): void {
    const { store, inventory, announcer } = this.ports;
    for (const named of this.roomsWith(name)) {
      const room = inventory.room(named);
      const sshKeys = room.settings.sshKeys.filter((each) => each !== name);
      inventory.changeRoom(room, { settings: { ...room.settings, sshKeys } });
      announcer.note({ room: named }, `room ${named} has the SSH key ${name} no more`);
      announcer.room(named);
    }
    store.removeSshKey(name);
    this.records.delete(name);
  }

  private roomsWith(key: string): string[] {
    const { inventory } = this.ports;
    return inventory.rooms().filter((room) => inventory.room(room).settings.sshKeys.includes(key));
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
