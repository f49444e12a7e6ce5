/** The server's key is renewed: PCs and operators know the next one before it is shown. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import type { TrustView } from "../../core/wire/api.ts";
import { pinnedTo } from "../tls.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

let server: ServerProcess;
before(async () => {
  server = await startServer();
});
after(() => server.end());

function ask<T>(method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const where = { socketPath: server.socketPath, path: `/api/v1${path}`, method, headers };
    const sent = request(where, (answer) => {
      let text = "";
      answer.on("data", (part) => {
        text += part;
      });
      answer.on("end", () => resolve(JSON.parse(text) as T));
    });
    sent.on("error", reject);
    sent.end(method === "POST" ? "{}" : undefined);
  });
}

const bootKeys = async (): Promise<{ key: string; keys: string[] }> =>
  (await fetch(`${server.url}/boot/key`)).json() as Promise<{ key: string; keys: string[] }>;
const status = async (pin: string): Promise<number | string> => {
  const pinned = pinnedTo(server.gateUrl, pin);
  try {
    return (await pinned.fetch("/api/v1/status")).status;
  } catch (error) {
    return ((error as Error).cause as { code: string }).code;
  } finally {
    await pinned.close();
  }
};

test("both keys are on the boot line until the next one takes its place; then the old one is refused", async () => {
  const before = await ask<TrustView>("GET", "/trust");
  assert.deepEqual([before.key, before.next, before.gate], [server.pin, null, server.gateUrl]);
  const rotating = await ask<TrustView>("POST", "/trust/rotate");
  const next = rotating.next?.key ?? "";
  assert.equal(rotating.key, server.pin);
  assert.deepEqual((await bootKeys()).keys, [server.pin, next]);
  const script = await (await fetch(`${server.url}/boot/ipxe/52-54-00-00-00-01`)).text();
  assert(script.includes(` roomcast.key=${server.pin} roomcast.key=${next} `), script);
  assert.deepEqual([await status(server.pin), await status(next)], [401, "other-key"]);
  const after = await ask<TrustView>("POST", "/trust/finish");
  assert.deepEqual([after.key, after.next], [next, null]);
  assert.deepEqual(after.signing.earlier, [before.signing.key], "certificates stay checkable");
  assert.notEqual(after.signing.key, before.signing.key);
  assert.deepEqual((await bootKeys()).keys, [next]);
  assert.deepEqual([await status(server.pin), await status(next)], ["other-key", 401]);
  const history = JSON.stringify(await ask("GET", "/history"));
  for (const line of ["make the server's next key", "let the next key take the server's place"])
    assert(history.includes(`local: ${line}`), line);
});
