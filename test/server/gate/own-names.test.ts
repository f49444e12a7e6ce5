/** What a page of somebody else in an operator's browser can do: nothing. */
import assert from "node:assert/strict";
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
