/** The page's files as a browser gets them. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { openApi, type TestApi } from "../api/open-api.ts";

let api: TestApi;
const script = "console.log('the page');\n";
before(async () => {
  api = await openApi("tokens");
});
after(() => api.close());

const get = (url: string, headers: Record<string, string> = {}) =>
  api.app.inject({ url, headers: { host: "localhost", ...headers } });

async function build(): Promise<void> {
  const assets = join(api.folder, "page", "assets");
  await mkdir(assets, { recursive: true });
  await writeFile(join(api.folder, "page", "index.html"), "<!doctype html><title>page</title>");
  await writeFile(join(assets, "app-AB12.js"), script);
  await writeFile(join(assets, "app-AB12.js.br"), brotliCompressSync(script));
  await writeFile(join(assets, "app-AB12.js.gz"), gzipSync(script));
  await writeFile(join(assets, "app-CD34.css"), "body{}");
  await writeFile(join(assets, ".hidden"), "hidden");
  await writeFile(join(api.folder, "page", "secret.txt"), "secret");
}

test("without the page, / says in words how to make it, and with it / is the page", async () => {
  const before = await get("/");
  assert.equal(before.statusCode, 404);
  assert.match(before.body, /not built. Run `make page`/);
  await build();
  const { statusCode, body, headers } = await get("/?wall");
  assert.deepEqual([statusCode, body], [200, "<!doctype html><title>page</title>"]);
  assert.match(String(headers["content-type"]), /^text\/html/);
  assert.equal(headers["cache-control"], "no-store");
});

test("files of the page are kept for ever, and come compressed to who takes that", async () => {
  for (const [accepts, encoding, bytes] of [
    ["gzip, deflate, br", "br", brotliCompressSync(script)],
    ["gzip", "gzip", gzipSync(script)],
    ["", undefined, Buffer.from(script)],
  ] as const) {
    const answer = await get(
      "/assets/app-AB12.js",
      accepts === "" ? {} : { "accept-encoding": accepts },
    );
    assert.equal(answer.headers["content-encoding"], encoding);
    assert.deepEqual(answer.rawPayload, bytes);
    assert.match(String(answer.headers["content-type"]), /javascript/);
    assert.match(String(answer.headers["cache-control"]), /^public, max-age=31536000, immutable$/);
    assert.equal(answer.headers.vary, "accept-encoding");
  }
  assert.equal((await get("/assets/app-CD34.css", { "accept-encoding": "br" })).body, "body{}");
});

test("nothing beside the page's files is given, by no spelling", async () => {
  for (const name of [
    ...["", "nothing.js", ".hidden", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt"],
    ...["app-AB12.js/", "%00", "assets/app-AB12.js", "../../state.db"],
  ]) {
    const { statusCode, body } = await get(`/assets/${name}`);
    assert([400, 404].includes(statusCode), `${name}: ${statusCode}`);
    assert(!body.includes("secret") || /Route GET/.test(body), name);
  }
  for (const url of ["/index.html", "/secret.txt", "/app-AB12.js"])
    assert.equal((await get(url)).statusCode, 404, url);
});

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

test("every answer tells browsers to run nothing else, to frame nothing and to tell nobody", async () => {
  for (const url of [
    ...["/", "/assets/app-AB12.js", "/assets/nothing", "/nothing", "/api/v1/nothing"],
    ...["/api/v1/login/ways", "/api/v1/login", "/api/v1/pcs", "/metrics", "/gate/v2/images"],
  ]) {
    for (const host of ["localhost", "evil.example"]) {
      const { headers } = await get(url, { host });
      assert.equal(headers["content-security-policy"], policy, url);
      assert.equal(headers["x-content-type-options"], "nosniff", url);
      assert.equal(headers["referrer-policy"], "no-referrer", url);
      assert.equal(headers["cross-origin-opener-policy"], "same-origin", url);
      assert.equal(headers["cross-origin-resource-policy"], "same-origin", url);
      const isKept = url === "/assets/app-AB12.js" && host === "localhost";
      assert.equal(headers["cache-control"] === "no-store", !isKept, url);
    }
  }
});

test("how one may log in is told to everybody", async () => {
  assert.deepEqual((await get("/api/v1/login/ways")).json(), { password: true, oidc: null });
});
