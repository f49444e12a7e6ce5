import type { KeyRecord, MovedRoom } from "../state/records.ts";
import type { StateStore, WriteTime } from "../state/state-store.ts";

/** What of the state store is keys. */
export type KeyStore = Pick<StateStore, "keys" | "saveKey" | "removeKey">;

/** The keys that the server knows, kept in step with the state store. A PC has at most one. */
export class Keys {
  private readonly store: KeyStore;
  private readonly byFingerprint: Map<string, KeyRecord>;
  private readonly byPc = new Map<string, KeyRecord>();

  constructor(store: KeyStore) {
    this.store = store;
    this.byFingerprint = new Map(store.keys().map((key) => [key.fingerprint, key]));
    for (const key of this.byFingerprint.values()) if (key.pc !== null) this.byPc.set(key.pc, key);
  }

  find(fingerprint: string): KeyRecord | null {
    return this.byFingerprint.get(fingerprint) ?? null;
  }

  of(pc: string): KeyRecord | null {
    return this.byPc.get(pc) ?? null;
  }

  /** Takes a key as it is now, or not where the store does not; `isKept` false: of a PC that is not stored either. */
  save(key: KeyRecord, isKept: boolean, when: WriteTime = "now"): void {
    if (isKept) this.store.saveKey(key, when);
    this.byFingerprint.set(key.fingerprint, key);
    if (key.pc !== null) this.byPc.set(key.pc, key);
  }

  /** Those of PCs that moved with their room, as the store has them already. */
  moved({ removed, saved }: MovedRoom): void {
    for (const fingerprint of removed.keys) {
      const key = this.byFingerprint.get(fingerprint);
      this.byFingerprint.delete(fingerprint);
      if (key?.pc != null) this.byPc.delete(key.pc);
    }
    for (const key of saved.keys) {
      this.byFingerprint.set(key.fingerprint, key);
      if (key.pc !== null) this.byPc.set(key.pc, key);
    }
  }

  /** The PC has no key any more. One that is revoked stays known, so that it is never new. */
  release(pc: string, when: WriteTime = "now"): void {
    const key = this.byPc.get(pc);
    if (key === undefined) return;
    this.byPc.delete(pc);
    if (key.state === "revoked") {
      key.pc = null;
      return this.store.saveKey(key, when);
    }
    this.byFingerprint.delete(key.fingerprint);
    this.store.removeKey(key.fingerprint, when);
  }
}
