/** "It asked for its boot files": told seldom, and never at the cost of the boot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MacAddress } from "../../../../core/units/mac.ts";
import { BootHints } from "../../../../server/gate/boot/boot-hints.ts";
import { openApi } from "../../api/open-api.ts";
import { helloOf, register } from "../../lab/hello.ts";

const mac = (number: number) =>
  `52:54:00:00:${(number >> 8).toString(16).padStart(2, "0")}:${(number & 255).toString(16).padStart(2, "0")}` as MacAddress;

test("a MAC that asks again and again is told of once in 10 s, each by itself", () => {
  let now = 0;
  const told: string[] = [];
  const hints = new BootHints({
    now: () => now,
    hint: (each) => void told.push(each),
    onError: assert.ifError,
  });
  for (let ask = 0; ask < 100; ask++) hints.asked(mac(1));
  hints.asked(mac(2));
  assert.deepEqual(told, [mac(1), mac(2)]);
  now = 9_999;
  hints.asked(mac(1));
  assert.equal(told.length, 2);
  now = 10_000;
  hints.asked(mac(1));
  assert.equal(told.length, 3);
});

test("a hint that fails is told as an error, and the PC gets its script", () => {
  const errors: string[] = [];
  const hints = new BootHints({
    now: () => 0,
    hint() {
      throw new Error("disk full");
    },
    onError: ({ message }) => void errors.push(message),
  });
  hints.asked(mac(1));
  assert.deepEqual(errors, ["disk full"]);
});

test("MACs that are invented without end are forgotten, the oldest first", () => {
  let told = 0;
  const hints = new BootHints({ now: () => 0, hint: () => void told++, onError: assert.ifError });
  for (let number = 0; number <= 4096; number++) hints.asked(mac(number));
  hints.asked(mac(0));
  assert.equal(told, 4098, "the first was forgotten");
  hints.asked(mac(4096));
  assert.equal(told, 4098, "the last was not");
});

test("asking for a script stores nothing, and shows the PC as booting", async (context) => {
  await using api = await openApi("tokens");
  const { id } = register(api.lab.inventory, helloOf(mac(1)));
  const saves = [
    ...(["savePc", "saveRoom", "addEvent", "saveLease"] as const).map((name) =>
      context.mock.method(api.state, name),
    ),
    context.mock.method(api.state.journal, "append"),
  ];
  const { boot } = api;
  assert(boot !== null);
  const ask = (method: "GET" | "HEAD") => boot.inject({ method, url: `/boot/ipxe/${mac(1)}` });
  assert.equal((await ask("HEAD")).statusCode, 200);
  assert.equal(api.lab.presence.stateOf(id), "offline");
  for (let number = 0; number < 3; number++) assert.equal((await ask("GET")).statusCode, 200);
  assert.equal(api.lab.presence.stateOf(id), "booting");
  assert.deepEqual(
    saves.map((save) => save.mock.callCount()),
    [0, 0, 0, 0, 0],
  );
});

test("a PC that was reset asks before its connection is missed: its session hears of it", async (context) => {
  await using api = await openApi("tokens");
  const { id } = register(api.lab.inventory, helloOf(mac(1)));
  context.mock.method(api.lab.agents, "isConnected", () => true);
  const booting = context.mock.method(api.lab.runner, "booting");
  await api.boot?.inject({ method: "GET", url: `/boot/ipxe/${mac(1)}` });
  assert.deepEqual(
    booting.mock.calls.map((call) => call.arguments),
    [[id]],
  );
  assert.equal(api.lab.presence.stateOf(id), "offline", "it is shown as what its agent says");
});
