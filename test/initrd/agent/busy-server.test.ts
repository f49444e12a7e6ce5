/** A server that answers "too many at once" is asked again, by captures and by whoever reads. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { httpUplink } from "../../../imaging/capture/uplink.ts";
import { ServerFiles } from "../../../initrd/agent/link/http.ts";
import { plainHttp } from "../../tls.ts";

let server: Server;
let url = "";
let asked = 0;
/** What the first question is answered with. */
let busy = { status: 429, code: "too-many" };
const { signal } = new AbortController();

beforeEach(async () => {
  asked = 0;
  busy = { status: 429, code: "too-many" };
  server = createServer((request, answer) => {
    asked++;
    request.resume();
    const isBusy = asked === 1;
    answer.writeHead(isBusy ? busy.status : 200);
    const said = { code: busy.code, message: "not now", next: "wait" };
    answer.end(isBusy ? JSON.stringify(said) : Buffer.of(1));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test("a capture asks again", async () => {
  const uplink = httpUplink({ server: plainHttp(url), task: "s1", grant: () => "", signal });
  assert.deepEqual(await uplink.known([new Uint8Array(32)]), [true]);
  assert.equal(asked, 2);
});

test("an agent that reads a chunk asks again", async () => {
  const files = new ServerFiles(plainHttp(url), signal, () => "");
  assert.deepEqual([...(await files.chunk("0", 0))], [1]);
  assert.equal(asked, 2);
});

test("an agent asks with another grant, and not again for what the server cannot give", async () => {
  const files = new ServerFiles(plainHttp(url), signal, () => "");
  busy = { status: 403, code: "not-granted" };
  assert.deepEqual([...(await files.chunk("0", 0))], [1]);
  [asked, busy] = [0, { status: 403, code: "refused" }];
  await assert.rejects(files.personal("s1"), { code: "failed", message: /not now/ });
  assert.equal(asked, 1);
});

test("an agent asks again for a chunk of a live cast that is not there yet", async () => {
  busy = { status: 503, code: "unreachable" };
  const files = new ServerFiles(plainHttp(url), signal, () => "");
  assert.deepEqual([...(await files.chunk("0", 0))], [1]);
  assert.equal(asked, 2);
});
