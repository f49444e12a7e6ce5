/** What a page of somebody else in an operator's browser can do: nothing. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { openApi, type TestApi } from "../api/open-api.ts";

let api: TestApi;
let token = "";
before(async () => {
  api = await openApi("tokens");
  ({ token } = await api.operators.add("ann", "admin"));
});
after(() => api.close());

async function status(headers: Record<string, string>, url = "/api/v1/status"): Promise<number> {
  const authorization = `Bearer ${token}`;
  return (await api.app.inject({ url, headers: { authorization, ...headers } })).statusCode;
}

test("a name that is not the server's is refused, however it is written; its addresses are taken", async () => {
  for (const host of ["localhost", "LOCALHOST:8443", "10.77.0.1:8443", "[fe80::1]:8443"])
    assert.equal(await status({ host }), 200, host);
  for (const host of ["evil.example", "localhost.evil.example:8443", "10.77.0.1.evil.example"])
    assert.equal(await status({ host }), 403, host);
  for (const host of ["a b", "localhost:99999"]) assert.equal(await status({ host }), 403, host);
});

test("a page of another origin is refused at the API, the gate and WebSockets, with a token too", async () => {
  const own = { host: "localhost:8443", origin: "https://localhost:8443" };
  assert.equal(await status(own), 200);
  for (const origin of [
    "https://evil.example",
    "http://localhost:8443",
    "https://localhost",
    "null",
  ]) {
    for (const url of [
      "/api/v1/status",
      "/gate/v2/images",
      "/gate/v2/link",
      "/metrics",
      "/nothing",
    ])
      assert.equal(await status({ ...own, origin }, url), 403, `${origin} ${url}`);
  }
});

test("the connection of a WebSocket that is refused is closed, and does not keep the server from ending", async () => {
  const port = Number(new URL(await api.app.listen({ host: "127.0.0.1", port: 0 })).port);
  for (const line of ["Host: evil.example", "Host: localhost\r\nOrigin: https://evil.example"]) {
    const socket = connect({ host: "127.0.0.1", port });
    let said = "";
    socket.on("data", (data) => {
      said += data;
    });
    const lines = ["GET /gate/v2/link HTTP/1.1", line, "Connection: Upgrade", "Upgrade: websocket"];
    const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="];
    socket.write([...lines, ...key, "", ""].join("\r\n"));
    await once(socket, "close", { signal: AbortSignal.timeout(20_000) });
    assert.match(said, /^HTTP\/1\.1 403 /);
  }
});
