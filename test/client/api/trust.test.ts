/** An operator's token is told to the server that was meant, and to no other. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createServer, type Server } from "node:tls";
import { ApiClient, type ServerPlace } from "../../../client/api/client.ts";
import { openShell } from "../../../client/api/shell-client.ts";
import { agentFor, type ServerTrust } from "../../../client/api/trust.ts";
import { takePins } from "../../../client/cli/pins.ts";
import { testKey } from "../../tls.ts";

const { key, cert, pin } = await testKey();
const { pin: otherPin } = await testKey();
let server: Server;
let url: URL;
let heard = "";
before(async () => {
  server = createServer({ key, cert }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      heard += data;
      socket.end("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
after(() => server.close());

const place = (trust: ServerTrust): ServerPlace => ({
  ...{ url, token: "secret", agent: agentFor(url, trust) },
});
const shell = (at: ServerPlace) =>
  openShell(
    { place: at, server: null },
    { pc: "pc1", term: "vt100", size: { columns: 80, lines: 24 }, onShown() {} },
  );

test("no other key, and no certificate that nobody vouches for, is told the token: by calls nor by shells", async () => {
  for (const trust of [{ pins: [otherPin] }, { ca: null }] as const) {
    const at = place(trust);
    await assert.rejects(new ApiClient(at).get("/status"), { code: "other-key" });
    await assert.rejects(shell(at), { code: "other-key" });
  }
  assert.equal(heard, "");
});

test("the right key is told it", async () => {
  for (const ask of [
    new ApiClient(place({ pins: [pin] })).get("/status"),
    shell(place({ pins: [pin] })),
  ])
    await assert.rejects(ask, { message: "what answers there is not a roomcast server" });
  assert.match(
    heard,
    /GET \/api\/v1\/status [\s\S]*bearer secret[\s\S]*GET \/api\/v1\/pcs\/pc1\/shell[\s\S]*bearer secret/i,
  );
});

test("a server's key is told from the PIN of a room, wherever it stands", () => {
  assert.deepEqual(takePins(["room", "set", "lab1", "--pin", "2468", "--pin", pin]), {
    ...{ pins: [pin], words: ["room", "set", "lab1", "--pin", "2468"] },
  });
  assert.deepEqual(takePins([`--pin=${pin}`, "--pin", otherPin, "pc", "list"]), {
    ...{ pins: [pin, otherPin], words: ["pc", "list"] },
  });
  for (const words of [["--pin"], ["--pin=1234"], ["room", "set", "r", "--pin", "none"]])
    assert.deepEqual(takePins(words), { pins: [], words });
});
