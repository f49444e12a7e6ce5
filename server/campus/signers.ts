/** The keys with which the servers of a campus sign certificates: each publishes its own, and knows the others'. Private ones stay where they are. */
import type { RecordCopy } from "../state/kept-records.ts";
import type { SignerRecord } from "./shared-kinds.ts";

export class Signers implements RecordCopy<SignerRecord> {
  private readonly server: string;
  private readonly others: Map<string, SignerRecord>;
  private own: () => readonly string[] = () => [];

  constructor(server: string, known: readonly SignerRecord[]) {
    this.server = server;
    this.others = new Map(known.map((record) => [record.name, record]));
  }

  /** `keys`: those with which this server signs, and did. */
  begin(keys: () => readonly string[]): void {
    this.own = keys;
  }

  list(): SignerRecord[] {
    const own = this.own().filter((name) => !this.others.has(name));
    return [...this.others.values(), ...own.map((name) => ({ name, server: this.server }))];
  }

  take(record: SignerRecord): void {
    this.others.set(record.name, record);
  }

  drop(name: string): void {
    this.others.delete(name);
  }

  /** Heard of, this server's own ones too. */
  heard(): SignerRecord[] {
    return [...this.others.values()];
  }

  /** Of other servers, by server. */
  elsewhere(): { readonly server: string; readonly key: string }[] {
    const own = new Set(this.own());
    return this.heard()
      .filter(({ name }) => !own.has(name))
      .map(({ name, server }) => ({ server, key: name }))
      .sort((a, b) => (`${a.server} ${a.key}` < `${b.server} ${b.key}` ? -1 : 1));
  }
}
