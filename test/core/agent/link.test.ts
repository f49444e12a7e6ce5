import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  greetLimit,
  type LinkAction,
  type LinkEvent,
  LinkMachine,
  proveLimit,
  retryFirst,
  retryMost,
  retryOtherKey,
} from "../../../core/agent/link.ts";
import { type Millis, millis } from "../../../core/units/units.ts";
import { aliveEvery, silenceLimit } from "../../../core/wire/control.ts";
import { controlProtocol } from "../../../core/wire/login.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";

const challenge = (protocol = controlProtocol): ServerMessage => ({
  type: "challenge",
  protocol,
  serverVersion: "9.9",
  time: "2026-11-23T00:00:00Z",
  nonce: "nonce",
});
const welcome: ServerMessage = {
  type: "welcome",
  level: "placed",
  code: null,
  serverVersion: "9.9",
  pc: "p-1",
  name: "pc1",
  room: "default",
  time: "2026-11-23T00:00:00Z",
};

/** A machine and a clock that is moved by hand. */
class Bench {
  readonly machine = new LinkMachine();
  now: Millis = millis(1000);

  take(event: LinkEvent, after = 0): string[] {
    this.now = millis(this.now + after);
    return this.machine.handle(event, this.now).map(({ type }) => type);
  }

  /** Lets the time pass until it wants a tick. */
  tick(): string[] {
    this.now = millis(Math.max(this.now, this.machine.deadline));
    return this.take({ type: "tick" });
  }

  connect(): void {
    this.tick();
    this.take({ type: "opened" });
    this.take({ type: "heard", message: challenge() });
    this.take({ type: "heard", message: welcome });
  }
}

const actionsOf = (bench: Bench, event: LinkEvent): LinkAction[] =>
  bench.machine.handle(event, bench.now);

test("it connects, greets, proves its key, and is up at the welcome", () => {
  const bench = new Bench();
  assert.deepEqual(bench.take({ type: "tick" }), ["open"]);
  assert.deepEqual(bench.take({ type: "opened" }), ["greet"]);
  assert.deepEqual(bench.take({ type: "heard", message: { type: "alive" } }), []);
  assert.deepEqual(bench.take({ type: "heard", message: welcome }), [], "nothing is proven yet");
  const said = actionsOf(bench, { type: "heard", message: challenge() });
  assert.deepEqual(said, [{ type: "prove", challenge: challenge() }]);
  assert.equal(bench.machine.word, "proving");
  assert.deepEqual(bench.take({ type: "heard", message: challenge() }), [], "one proof is enough");
  assert.deepEqual(bench.take({ type: "heard", message: welcome }), ["up"]);
  assert.equal(bench.machine.state.name, "connected");
});

test("it says that it is alive every second", () => {
  const bench = new Bench();
  bench.connect();
  const began = bench.now;
  for (let second = 1; second <= 4; second++) {
    assert.deepEqual(bench.tick(), ["alive"]);
    assert.equal(bench.now - began, second * aliveEvery);
    bench.take({ type: "heard", message: { type: "alive" } });
  }
});

test("a server that is silent for too long is gone, and tried again", () => {
  const bench = new Bench();
  bench.connect();
  const heard = bench.now;
  const said: string[] = [];
  while (bench.machine.state.name === "connected") said.push(...bench.tick());
  assert.equal(bench.now - heard, silenceLimit);
  assert.deepEqual(said.slice(-2), ["close", "down"]);
  assert.deepEqual(bench.tick(), ["open"]);
});

test("whatever is heard is a sign of life, even what is no message", () => {
  const bench = new Bench();
  bench.connect();
  for (let round = 0; round < 10; round++) {
    bench.take({ type: "heard", message: null }, 5000);
    assert.equal(bench.machine.state.name, "connected");
  }
});

test("pauses between tries double from half a second to five, and start over after a welcome", () => {
  const bench = new Bench();
  const pauses: number[] = [];
  for (let round = 0; round < 6; round++) {
    bench.tick();
    const failed = bench.now;
    bench.take({ type: "closed", detail: "refused" });
    pauses.push(bench.machine.deadline - failed);
  }
  assert.deepEqual(pauses, [retryFirst, 1000, 2000, 4000, retryMost, retryMost]);
  bench.connect();
  const broke = bench.now;
  bench.take({ type: "closed", detail: "broke" });
  assert.equal(bench.machine.deadline - broke, retryFirst);
});

test("a server that does not answer is given up after ten seconds, in words", () => {
  for (const opened of [false, true]) {
    const bench = new Bench();
    bench.tick();
    const began = bench.now;
    if (opened) bench.take({ type: "opened" });
    bench.now = bench.machine.deadline;
    const actions = actionsOf(bench, { type: "tick" });
    assert.equal(bench.now - began, greetLimit);
    assert.deepEqual(
      actions.map(({ type }) => type),
      ["close", "down"],
    );
    assert.match(JSON.stringify(actions), /check the cable/);
  }
});

test("a proof may take half a minute: a TPM is slow", () => {
  const bench = new Bench();
  bench.tick();
  bench.take({ type: "opened" });
  bench.take({ type: "heard", message: challenge() }, 9000);
  const began = bench.now;
  bench.take({ type: "heard", message: { type: "alive" } }, proveLimit - 1);
  assert.deepEqual(bench.tick(), ["close", "down"]);
  assert.equal(bench.now - began, proveLimit);
});

test("a server of another protocol is named, and tried again every five seconds", () => {
  for (const [protocol, advice] of [
    [controlProtocol + 1, /restart this PC/],
    [controlProtocol - 1, /update the server/],
  ] as const) {
    const bench = new Bench();
    bench.tick();
    bench.take({ type: "opened" });
    const actions = actionsOf(bench, { type: "heard", message: challenge(protocol) });
    assert.deepEqual(
      actions.map(({ type }) => type),
      ["close", "down"],
    );
    assert.match(JSON.stringify(actions), advice);
    assert.match(JSON.stringify(actions), /"why":"other-version"/);
    assert.equal(bench.machine.deadline - bench.now, retryMost);
  }
});

test("a change is said at once, and the next sign of life a second after it", () => {
  const bench = new Bench();
  assert.deepEqual(bench.take({ type: "changed" }), [], "there is nobody to say it to");
  bench.connect();
  assert.deepEqual(bench.take({ type: "changed" }, 400), ["alive"]);
  const said = bench.now;
  assert.deepEqual(bench.tick(), ["alive"]);
  assert.equal(bench.now - said, aliveEvery);
});

test("a server that refuses this PC is named with its reason, and tried again every five seconds", () => {
  const bench = new Bench();
  bench.tick();
  bench.take({ type: "opened" });
  const [down] = actionsOf(bench, { type: "refused", reason: "this key is not admitted" });
  assert.deepEqual(down, {
    type: "down",
    trouble: { why: "refused", detail: "this key is not admitted" },
    isNews: true,
  });
  assert.equal(bench.machine.word, "refused");
  assert.equal(bench.machine.deadline - bench.now, retryMost);
  bench.connect();
  assert.deepEqual([bench.machine.word, bench.machine.trouble], ["connected", null]);
});

test("a trouble is news once, and again after a connection", () => {
  const bench = new Bench();
  const isNews = (): boolean | undefined => {
    const [down] = actionsOf(bench, { type: "closed", detail: "no answer" });
    return down?.type === "down" ? down.isNews : undefined;
  };
  bench.tick();
  assert.equal(bench.machine.word, "searching");
  assert.equal(isNews(), true);
  bench.tick();
  assert.equal(isNews(), false);
  bench.connect();
  assert.equal(isNews(), true);
  assert.equal(bench.machine.word, "lost");
});

test("messages are handed on only while connected", () => {
  const bench = new Bench();
  const cancel: ServerMessage = { type: "cancel", session: "s1", attempt: 1, reason: "" };
  bench.tick();
  bench.take({ type: "opened" });
  assert.deepEqual(bench.take({ type: "heard", message: cancel }), []);
  bench.take({ type: "heard", message: challenge() });
  assert.deepEqual(bench.take({ type: "heard", message: cancel }), []);
  bench.take({ type: "heard", message: welcome });
  assert.deepEqual(bench.take({ type: "heard", message: cancel }), ["message"]);
  bench.take({ type: "closed", detail: "" });
  assert.deepEqual(bench.take({ type: "heard", message: cancel }), []);
});

test("whatever happens, it goes on trying and never says more than a few things at once", () => {
  const event: fc.Arbitrary<LinkEvent> = fc.oneof(
    fc.constant<LinkEvent>({ type: "tick" }),
    fc.constant<LinkEvent>({ type: "opened" }),
    fc.constant<LinkEvent>({ type: "closed", detail: "x" }),
    fc.constant<LinkEvent>({ type: "refused", reason: "x" }),
    fc.constant<LinkEvent>({ type: "changed" }),
    fc.constantFrom<LinkEvent>(
      { type: "heard", message: null },
      { type: "heard", message: challenge() },
      { type: "heard", message: challenge(7) },
      { type: "heard", message: welcome },
      { type: "heard", message: { type: "alive" } },
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(8000))), (steps) => {
      const bench = new Bench();
      for (const [step, after] of steps) assert(bench.take(step, after).length <= 2);
      // Left alone, it opens a connection within the longest of its waits.
      const limit = bench.now + silenceLimit + greetLimit + proveLimit + retryMost;
      const seen: string[] = [];
      while (!seen.includes("open")) {
        seen.push(...bench.tick());
        assert(bench.now <= limit);
      }
    }),
  );
});

test("another key is told from a server that is away, and tried again every half minute", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ type: "closed", detail: "broke" });
  const detail = "https://10.0.0.1 shows the key sha256:b, and the right one is sha256:a";
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(bench.tick(), ["open"]);
    const actions = actionsOf(bench, { type: "other-key", detail });
    assert.deepEqual(actions, [
      { type: "down", trouble: { why: "other-key", detail }, isNews: round === 0 },
    ]);
    assert.equal(bench.machine.word, "other-key");
    assert.equal(bench.machine.deadline - bench.now, retryOtherKey);
  }
  bench.connect();
  assert.equal(bench.machine.word, "connected");
});
