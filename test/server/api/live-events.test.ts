/** Live events: who was away for a moment hears what was missed, and who reads slowly hears the last state. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { ApiEvent } from "../../../core/wire/api.ts";
import { type Change, Changes } from "../../../server/api/changes.ts";
import { EventStream } from "../../../server/api/event-stream.ts";
import { LiveEvents } from "../../../server/api/live-events.ts";
import { pcOf } from "../../client/console/fake-lab.ts";
import { helloOf, register } from "../lab/hello.ts";
import { openApi, type TestApi } from "./open-api.ts";

class TestFeed {
  private readonly listeners: ((event: ApiEvent) => void)[] = [];

  listen(listener: (event: ApiEvent) => void): () => void {
    this.listeners.push(listener);
    return () => {};
  }

  say(event: ApiEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

const note = (text: string): ApiEvent => ({ type: "note", time: "t", text });
const pc = (number: number, seat: string | null = null): ApiEvent => ({
  type: "pc",
  pc: pcOf(number, { seat }),
});
const eventsOf = (changes: readonly Change[] | null): unknown[] | null =>
  changes?.map(({ text }) => JSON.parse(text)) ?? null;

test("what was missed is told once each, in its last state and in its order", () => {
  const feed = new TestFeed();
  const live = new LiveEvents(feed);
  feed.say(pc(1));
  const id = live.idOf(live.latest);
  for (const event of [pc(2), note("a"), pc(1, "A1"), pc(2, "A2"), note("b")]) feed.say(event);
  feed.say({ type: "pc-gone", id: "id1" });
  assert.deepEqual(eventsOf(live.missed(id)), [
    ...[note("a"), pc(2, "A2"), note("b")],
    { type: "pc-gone", id: "id1" },
  ]);
  assert.deepEqual(live.missed(live.idOf(live.latest)), []);
});

test("another start, a number of the future, and what nobody gave out are not known", () => {
  const [one, other] = [new LiveEvents(new TestFeed()), new LiveEvents(new TestFeed())];
  assert.deepEqual(one.missed(one.idOf(0)), []);
  for (const id of [other.idOf(0), one.idOf(1), "", "0", `${one.idOf(0)}x`, "-1", "abc-0"])
    assert.equal(one.missed(id), null, id);
});

test("the feed is listened to only while somebody may come back, and then what was missed is not known", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let listening = 0;
  const feed = {
    listen() {
      listening++;
      return () => void listening--;
    },
  };
  const live = new LiveEvents(feed);
  assert.equal(listening, 0);
  const stop = live.listen(() => {});
  const id = live.idOf(live.latest);
  stop();
  context.mock.timers.tick(599_999);
  assert.equal(listening, 1);
  assert.deepEqual(live.missed(id), []);
  context.mock.timers.tick(1);
  assert.equal(listening, 0);
  assert.equal(live.missed(id), null);
  live.listen(() => {});
  assert.equal(listening, 1);
});

test("only so much is kept; what is older than that is not known", () => {
  const feed = new TestFeed();
  const live = new LiveEvents(feed, 10_000);
  const ids = [live.idOf(0)];
  for (let count = 1; count <= 100; count++) {
    feed.say(note("x".repeat(500)));
    ids.push(live.idOf(count));
  }
  const known = ids.map((id) => live.missed(id)?.length ?? null);
  const first = known.findIndex((count) => count !== null);
  assert(first > 75 && first < 90, `${first}`);
  assert.deepEqual(
    known.slice(first),
    Array.from({ length: 101 - first }, (_, index) => 100 - first - index),
  );
  // What changes all the time takes no more room than once.
  for (let count = 0; count < 1000; count++) feed.say(pc(1));
  assert.equal(live.missed(live.idOf(100))?.length, 1);
});

/** A connection that takes nothing until it is told to. */
class SlowReader extends EventEmitter {
  sent: string[] = [];
  writableNeedDrain = false;
  isDestroyed = false;

  write(text: string): boolean {
    this.sent.push(text);
    this.writableNeedDrain = true;
    return false;
  }

  drain(): void {
    this.writableNeedDrain = false;
    this.emit("drain");
  }

  destroy(): this {
    this.isDestroyed = true;
    return this;
  }

  end(): this {
    return this;
  }
}

function slowStream() {
  const reader = new SlowReader();
  const stream = new EventStream(reader as never, (number) => `s-${number}`);
  let number = 0;
  const tell = (key: string, text = key): void => stream.tell({ number: ++number, key, text });
  return { reader, stream, tell };
}

test("a slow reader is sent nothing it has no room for, and then the last state of each thing", () => {
  const { reader, stream, tell } = slowStream();
  tell("pc 1", "1a");
  for (const text of ["1b", "1c", "1d"]) tell("pc 1", text);
  tell("pc 2", "2a");
  tell("pc 1", "1e");
  stream.keepAlive();
  assert.deepEqual(reader.sent, ["id: s-1\ndata: 1a\n\n"]);
  reader.drain();
  assert.deepEqual(reader.sent.slice(1), ["id: s-5\ndata: 2a\n\n", "id: s-6\ndata: 1e\n\n"]);
  reader.drain();
  tell("pc 2", "2b");
  assert.equal(reader.sent.at(-1), "id: s-7\ndata: 2b\n\n");
});

test("a reader for whom too much waits is cut off, and one thing that changes all the time is not too much", () => {
  const { reader, tell } = slowStream();
  for (let count = 0; count < 10_000; count++) tell("session s1", "x".repeat(10_000));
  assert(!reader.isDestroyed);
  for (let count = 0; count < 900; count++) tell(`note ${count}`, "x".repeat(10_000));
  assert(reader.isDestroyed);
});

test("taken all, nothing is left", () => {
  const changes = new Changes();
  changes.add({ number: 1, key: "a", text: "abc" });
  assert.equal(changes.takeAll().length, 1);
  assert.deepEqual([changes.isEmpty, changes.size, changes.takeOldest()], [true, 0, undefined]);
});

interface Message {
  readonly id: string | null;
  readonly event: { readonly type: string; readonly [key: string]: unknown };
}

/** Reads the stream until `isLast`, and breaks the connection. */
async function read(
  api: TestApi,
  last: string | null,
  isLast: (message: Message) => boolean,
): Promise<Message[]> {
  const address = api.app.server.address();
  const url = `http://127.0.0.1:${(address as { port: number }).port}/api/v1/events`;
  const headers = last === null ? {} : { "last-event-id": last };
  const answer = await fetch(url, { headers });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  const messages: Message[] = [];
  let text = "";
  for await (const part of answer.body ?? []) {
    text += Buffer.from(part).toString();
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, id = null] = /^id: (.*)$/m.exec(block) ?? [];
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data !== undefined) messages.push({ id, event: JSON.parse(data) });
      if (messages.some(isLast)) return messages;
    }
  }
  return messages;
}

const isReady = ({ event }: Message): boolean => event.type === "ready";
const typesOf = (messages: readonly Message[]): string[] => messages.map(({ event }) => event.type);

test("over a connection: all of it first, after a break what was missed, and anew after a gap or a restart", async () => {
  await using api = await openApi("local", { keptEvents: 20_000 });
  await api.app.listen({ host: "127.0.0.1", port: 0 });
  register(api.lab.inventory, helloOf("52:54:00:00:00:01"));
  const first = await read(api, null, isReady);
  assert.deepEqual(typesOf(first), ["room", "pc", "warnings", "ready"]);
  // Whoever breaks off in the midst of the state has nothing to go on from.
  assert.deepEqual(
    first.map(({ id }) => id !== null),
    [false, false, false, true],
  );
  const { announcer } = api.lab;
  announcer.note({}, "missed");
  const last = first.at(-1)?.id ?? "";
  const resumed = await read(api, last, () => true);
  assert.deepEqual(typesOf(resumed), ["note"]);
  assert.match(String(resumed[0]?.event.text), /missed/);

  for (let count = 0; count < 50; count++) announcer.note({}, `${count} ${"x".repeat(1000)}`);
  const anew = await read(api, last, isReady);
  assert.deepEqual(typesOf(anew), ["reset", "room", "pc", "warnings", "ready"]);

  await using again = await openApi("local");
  await again.app.listen({ host: "127.0.0.1", port: 0 });
  const restarted = await read(again, anew.at(-1)?.id ?? "", isReady);
  assert.deepEqual(typesOf(restarted), ["reset", "room", "warnings", "ready"]);
});
