/** What an agent believes of its server's key: what it was told, or what it was told first. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fastify from "fastify";
import type { GatePlace } from "../../../core/node/pin.ts";
import type { BootKey } from "../../../core/wire/boot-key.ts";
import { KnownGate } from "../../../initrd/agent/link/gate-place.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-place-"));
after(() => rmSync(folder, { recursive: true }));

const pin = (letter: string): string => `sha256:${letter.repeat(43)}=`;
const answer = (letter: string): BootKey => ({
  gate: "https://127.0.0.1:8443",
  key: pin(letter),
  keys: [pin(letter)],
});
const said: string[] = [];

async function serverThat(answers: { now: unknown; asked: number }) {
  const app = fastify({ forceCloseConnections: true });
  app.get("/boot/key", () => {
    answers.asked++;
    return answers.now;
  });
  return { app, url: new URL(await app.listen({ host: "127.0.0.1", port: 0 })) };
}

const gateOf = (server: URL, pinFile: string | null): KnownGate =>
  new KnownGate({ server, pins: [], pinFile, say: (text) => void said.push(text) });
const ask = (server: URL, pinFile: string | null): Promise<GatePlace> =>
  gateOf(server, pinFile).place();

test("a server is asked for its key once; what it says later is not heard", async () => {
  const pinFile = join(folder, "a.server");
  const answers = { now: answer("A") as unknown, asked: 0 };
  const { app, url } = await serverThat(answers);
  assert.deepEqual((await ask(url, pinFile)).pins, [pin("A")]);
  assert.match(said.join("\n"), /says that its key is sha256:A+=; it is remembered in .*a\.server/);
  assert.equal(statSync(pinFile).mode & 0o777, 0o600);
  answers.now = answer("B");
  const again = await ask(url, pinFile);
  assert.deepEqual(again.pins, [pin("A")], "another machine that answers there is not believed");
  assert.equal(again.url.origin, "https://127.0.0.1:8443");
  assert.equal(answers.asked, 1);
  // Another server has another key, and that of the first is kept.
  const other = await serverThat({ now: answer("C"), asked: 0 });
  assert.deepEqual((await ask(other.url, pinFile)).pins, [pin("C")]);
  assert.deepEqual((await ask(url, pinFile)).pins, [pin("A")]);
  await Promise.all([app.close(), other.app.close()]);
});

test("a server that is away is asked again, and one that is none is told from it", async () => {
  const answers = { now: "hello" as unknown, asked: 0 };
  const { app, url } = await serverThat(answers);
  const gate = gateOf(url, null);
  await assert.rejects(gate.place(), { code: "unreachable", message: /no roomcast server/ });
  answers.now = answer("A");
  assert.deepEqual((await gate.place()).pins, [pin("A")]);
  await gate.place();
  assert.equal(answers.asked, 2);
  await app.close();
  await assert.rejects(ask(new URL("http://127.0.0.1:47"), null), {
    ...{ code: "unreachable", message: "nothing listens there" },
  });
});

test("a file that holds something else is neither trusted nor written over", async () => {
  const pinFile = join(folder, "broken");
  for (const text of [
    "",
    "{",
    "[]",
    JSON.stringify({ "http://x": { ...answer("A"), keys: [] } }),
  ]) {
    writeFileSync(pinFile, text);
    await assert.rejects(ask(new URL("http://127.0.0.1:1"), pinFile), { code: "bad-input" });
    assert.equal(readFileSync(pinFile, "utf8"), text);
  }
});

test("an https server needs its key, and a key an https server", () => {
  const http = new URL("http://127.0.0.1:1");
  const https = new URL("https://127.0.0.1:1");
  const rest = { pinFile: null, say() {} };
  for (const [server, pins] of [
    [https, []],
    [http, [pin("A")]],
    [https, ["sha256:abc"]],
  ] as const) {
    assert.throws(() => new KnownGate({ server, pins, ...rest }), { code: "usage" });
  }
});

test("the keys that the server tells replace those that are known, also in the file", async () => {
  const pinFile = join(folder, "told.server");
  const answers = { now: answer("A") as unknown, asked: 0 };
  const { app, url } = await serverThat(answers);
  const gate = gateOf(url, pinFile);
  await gate.place();
  await gate.learn([pin("A"), pin("B")]);
  assert.deepEqual((await gate.place()).pins, [pin("A"), pin("B")]);
  await gate.learn([pin("B")]);
  for (const nothing of [[], ["sha256:"]]) await gate.learn(nothing);
  assert.deepEqual((await gate.place()).pins, [pin("B")]);
  assert.deepEqual((await ask(url, pinFile)).pins, [pin("B")]);
  assert.equal(answers.asked, 1);
  const named = new KnownGate({
    ...{ server: new URL("https://127.0.0.1:1"), pins: [pin("A")], pinFile, say() {} },
  });
  await named.learn([pin("C")]);
  assert.deepEqual((await named.place()).pins, [pin("C")]);
  await app.close();
});
