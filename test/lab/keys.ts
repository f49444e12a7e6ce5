/** Keys without cryptography: a proof is right when it has the secret, and is of this very connection. */
import type { Hello } from "../../core/wire/hello.ts";
import type { KeyKind } from "../../core/wire/login.ts";
import type { InventoryStore } from "../../server/lab/inventory.ts";
import type { KeyStore } from "../../server/lab/keys.ts";
import {
  defaultRoom,
  type KeyRecord,
  newRoom,
  type PcRecord,
  type RoomRecord,
} from "../../server/state/records.ts";
import { helloOf } from "../server/lab/hello.ts";

export interface SimKey {
  readonly name: string;
  readonly kind: KeyKind;
}

/** What an agent says first: who it is, and the proof. */
export interface SimLogin {
  readonly type: "hello";
  readonly key: SimKey;
  /** `secretOf` the key, from whoever has it. */
  readonly secret: string;
  /** The challenge that it answers, and the connection that it is for. */
  readonly nonce: number;
  readonly channel: number;
  readonly marks: Hello["identity"];
  readonly report: Hello["report"];
}

export const secretOf = ({ name }: SimKey): string => `secret of ${name}`;

/** What a PC's hardware says of itself. The serials never cross the wire in clear. */
export const marksOf = (pc: string): Hello["identity"] => ({
  uuid: `uuid of ${pc}`,
  serials: [`serial of ${pc}`],
  macs: [pc],
});

export const helloWith = (marks: Hello["identity"], report: Hello["report"]): Hello =>
  helloOf(marks.macs[0] ?? "", { identity: marks, report });

/** A key that was revoked, of a PC that was forgotten. */
export const revokedKey: SimKey = { name: "revoked", kind: "tpm" };

export const recordOf = (
  { name, kind }: SimKey,
  pc: string | null,
  state: KeyRecord["state"],
): KeyRecord => ({
  // As `loginOf` has it.
  ...{ fingerprint: `sha256:${name}`, kind, spki: "", pc, state },
  ...{ since: "", by: null, pcrDigest: null },
});

/** What the server stores of PCs and keys: copies, as a database has them. */
export class LabStore implements InventoryStore, KeyStore {
  private readonly pcRecords = new Map<string, string>();
  private readonly roomRecords = new Map<string, string>();
  private readonly keyRecords = new Map<string, string>();

  constructor() {
    this.saveRoom(newRoom(defaultRoom));
    this.saveKey(recordOf(revokedKey, null, "revoked"));
  }

  /** A PC that operators have placed long ago. */
  addPlaced(id: string, key: SimKey, room: string): void {
    const { type: _, state: __, report: ___, ...hello } = helloWith(marksOf(id), null);
    const { macs } = hello.identity;
    if (!this.roomRecords.has(room)) this.saveRoom(newRoom(room));
    const place = { room, seat: null, nextBoot: "room" as const };
    this.savePc({ id, name: id, ...place, hello, macs, lastSeen: "" });
    this.saveKey(recordOf(key, id, "placed"));
  }

  pcs(): PcRecord[] {
    return all(this.pcRecords);
  }
  savePc(pc: PcRecord): void {
    this.pcRecords.set(pc.id, JSON.stringify(pc));
  }
  savePcs(pcs: readonly PcRecord[]): void {
    for (const pc of pcs) this.savePc(pc);
  }
  removePc(id: string): void {
    this.pcRecords.delete(id);
  }
  rooms(): RoomRecord[] {
    return all(this.roomRecords);
  }
  saveRoom(room: RoomRecord): void {
    this.roomRecords.set(room.name, JSON.stringify(room));
  }
  removeRoom(name: string): void {
    this.roomRecords.delete(name);
  }
  keys(): KeyRecord[] {
    return all(this.keyRecords);
  }
  saveKey(key: KeyRecord): void {
    this.keyRecords.set(key.fingerprint, JSON.stringify(key));
  }
  removeKey(fingerprint: string): void {
    this.keyRecords.delete(fingerprint);
  }
}

const all = <T>(records: ReadonlyMap<string, string>): T[] =>
  [...records.values()].map((text) => JSON.parse(text) as T);
