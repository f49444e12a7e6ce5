/** A storage of objects in memory whose faults a test scripts: what the campus's store is simulated on. */
import assert from "node:assert/strict";
import { RoomcastError } from "../../../core/errors.ts";
import type { ByteRange, ObjectStore } from "../../../server/campus/ports.ts";

/** One call that reached the storage. */
export interface ObjectCall {
  readonly kind: "put" | "get" | "size" | "remove" | "list";
  /** Of a listing: the prefix. */
  readonly name: string;
  /** How many calls came before it, of all kinds. */
  readonly nth: number;
}

/**
 * What goes wrong with a call: `away`: nothing is done, and it rejects; `lost-answer`: it is done, and
 * rejects all the same; of a read, `short`: it rejects with `bad-input`; `flipped`: one bit of the answer is another.
 */
export type ObjectFault = "away" | "lost-answer" | "short" | "flipped";

/** Decides each call's fault; a promise holds the call until it settles. A plan that throws fails the call. */
export type FaultPlan = (call: ObjectCall) => ObjectFault | null | Promise<ObjectFault | null>;

export class MemoryObjects implements ObjectStore {
  /** What it holds. A test may change it: lose an object, damage one. */
  readonly objects = new Map<string, Uint8Array>();
  /** All that was asked of it. */
  readonly calls: ObjectCall[] = [];
  /** None by default. */
  plan: FaultPlan = () => null;
  /** What listings do not show yet; by default they lag behind nothing. */
  readonly unlisted = new Set<string>();

  async put(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    // A copy before anything waits: the caller may use its memory for something else once it is told of a failure.
    const copy = new Uint8Array(bytes);
    await this.call("put", name, signal, () => {
      const before = this.objects.get(name);
      assert(
        before === undefined || Buffer.compare(before, copy) === 0,
        `${name} is put again with other bytes`,
      );
      this.objects.set(name, copy);
    });
  }

  async get(name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    const { answer, fault } = await this.call("get", name, signal, () => this.objects.get(name));
    if (answer === undefined) {
      throw new RoomcastError("not-found", `there is no object ${name}`, "none: this is a test");
    }
    const { offset, length } = range ?? { offset: 0, length: answer.length };
    if (fault === "short" || offset + length > answer.length) {
      throw new RoomcastError("bad-input", `${name} ends early`, "none: this is a test");
    }
    const part = new Uint8Array(answer.subarray(offset, offset + length));
    if (fault === "flipped") part[part.length >> 1] = (part[part.length >> 1] as number) ^ 0x10;
    return part;
  }

  async size(name: string): Promise<number | null> {
    const work = (): number | null => this.objects.get(name)?.length ?? null;
    return (await this.call("size", name, undefined, work)).answer;
  }

  async remove(name: string): Promise<void> {
    await this.call("remove", name, undefined, () => this.objects.delete(name));
  }

  async *list(prefix: string): AsyncGenerator<{ readonly name: string; readonly bytes: number }> {
    const { answer } = await this.call("list", prefix, undefined, () =>
      [...this.objects]
        .filter(([name]) => name.startsWith(prefix) && !this.unlisted.has(name))
        .map(([name, { length }]) => ({ name, bytes: length }))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
    );
    yield* answer;
  }

  private async call<T>(
    kind: ObjectCall["kind"],
    name: string,
    signal: AbortSignal | undefined,
    work: () => T,
  ): Promise<{ readonly answer: T; readonly fault: ObjectFault | null }> {
    signal?.throwIfAborted();
    const call: ObjectCall = { kind, name, nth: this.calls.length };
    this.calls.push(call);
    const fault = await this.plan(call);
    signal?.throwIfAborted();
    if (fault === "away") throw storageAway(call);
    const answer = work();
    if (fault === "lost-answer") throw storageAway(call);
    return { answer, fault };
  }
}

const storageAway = ({ kind, name }: ObjectCall): RoomcastError =>
  new RoomcastError("away", `the storage does not answer: ${kind} ${name}`, "none: this is a test");
