import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fastify, { type FastifyInstance } from "fastify";
import { secureBootRequest } from "../../../../core/boot/secure-boot.ts";
import { RoomcastError } from "../../../../core/errors.ts";
import { bootRoutes, parseByteRange } from "../../../../server/gate/boot/boot-routes.ts";
import { bootPlan, testPin } from "../../../core/boot/boot-plan.ts";

let folder: string;
let app: FastifyInstance;
let url: string;
const asked: string[] = [];
const fetching = new Set<string>();
const kernel = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) & 255);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-boot-"));
  await writeFile(join(folder, "vmlinuz"), kernel);
  await writeFile(join(folder, "snponly.efi"), "");
  await writeFile(join(folder, "secret"), "not for the network");
  await mkdir(join(folder, "secure"));
  for (const name of ["shimx64.efi", "roomcast.efi", "local-disk.efi", "site.cer", "site.key"])
    await writeFile(join(folder, "secure", name), name);
  app = fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, _request, reply) =>
    reply.code(error instanceof RoomcastError && error.code === "not-found" ? 404 : 400).send({}),
  );
  await app.register(async (scope) =>
    bootRoutes(scope, {
      folder,
      serverUrl: "http://10.77.0.1:8080",
      gate: () => ({ url: "https://10.77.0.1:8443", pins: [testPin] }),
      plan(mac) {
        const decision = mac === "52:54:00:00:00:01" ? "local-disk" : "agent";
        return bootPlan({ mac, decision });
      },
      asked: (mac) => void asked.push(mac),
      fetches: (address) => void fetching.add(address),
      secureFile: (path) =>
        secureBootRequest(path)?.file(path.includes("52-54-00-00-00-01") ? "local-disk" : "agent"),
    }),
  );
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
after(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

test("each PC gets its own script, and is noted", async () => {
  const script = async (mac: string) => (await fetch(`${url}/boot/ipxe/${mac}`)).text();
  assert.match(await script("52-54-00-00-00-01"), /\|\| goto local-disk\n/);
  const other = await script("52:54:00:00:00:02");
  assert.match(other, /^#!ipxe\n.*\|\| goto agent\n/);
  assert.match(other, /BOOTIF=01-52-54-00-00-00-02 /);
  assert.deepEqual(asked.splice(0), ["52:54:00:00:00:01", "52:54:00:00:00:02"]);
  assert.equal((await fetch(`${url}/boot/ipxe/52-54`)).status, 400);
  assert.deepEqual(asked, []);
  assert.deepEqual([...fetching], ["127.0.0.1"], "and whose address asks for files");
});

test("in its own folder of the Secure Boot image a PC gets what is decided for it, and nobody else's", async () => {
  const get = async (path: string) => {
    const answer = await fetch(`${url}/boot/secure/${path}`);
    return answer.status === 200 ? answer.text() : answer.status;
  };
  assert.equal(await get("52-54-00-00-00-02/shimx64.efi"), "shimx64.efi");
  // The shim's own way to write it.
  assert.equal(await get("52-54-00-00-00-02//grubx64.efi"), "roomcast.efi");
  assert.equal(await get("52-54-00-00-00-01//grubx64.efi"), "local-disk.efi");
  assert.equal(await get("site.cer"), "site.cer");
  for (const path of ["site.key", "roomcast.efi", "52-54-00-00-00-02/site.key", "x/shimx64.efi"])
    assert.equal(await get(path), 404, path);
});

test("the length of a script is told, and that says nothing of the PC", async () => {
  const path = `${url}/boot/ipxe/52:54:00:00:00:02`;
  const whole = await (await fetch(path)).arrayBuffer();
  asked.splice(0);
  const head = await fetch(path, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(whole.byteLength));
  assert.deepEqual(asked, []);
});

test("an iPXE that says no MAC is sent on with it", async () => {
  const text = await (await fetch(`${url}/boot/ipxe`)).text();
  assert.match(
    text,
    /^#!ipxe\nchain --replace http:\/\/10\.77\.0\.1:8080\/boot\/ipxe\/\$\{netX\/mac:hexhyp\}\n$/,
  );
});

test("a file: whole, its size alone (as UEFI HTTP boot asks first), empty", async () => {
  const whole = await fetch(`${url}/boot/vmlinuz`);
  assert.equal(whole.status, 200);
  assert.equal(whole.headers.get("content-length"), String(kernel.length));
  assert.equal(whole.headers.get("transfer-encoding"), null);
  assert.deepEqual(new Uint8Array(await whole.arrayBuffer()), kernel);
  const head = await fetch(`${url}/boot/vmlinuz`, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), String(kernel.length));
  const empty = await fetch(`${url}/boot/snponly.efi`);
  assert.equal(empty.headers.get("content-length"), "0");
  assert.equal(await empty.text(), "");
});

test("parts of a file, for whoever goes on after a break", async () => {
  const part = async (range: string) => {
    const answer = await fetch(`${url}/boot/vmlinuz`, { headers: { range } });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { status: answer.status, range: answer.headers.get("content-range"), bytes };
  };
  assert.deepEqual(await part("bytes=1000-1009"), {
    status: 206,
    range: "bytes 1000-1009/3000000",
    bytes: kernel.slice(1000, 1010),
  });
  assert.deepEqual(await part("bytes=2999990-"), {
    status: 206,
    range: "bytes 2999990-2999999/3000000",
    bytes: kernel.slice(2999990),
  });
  const beyond = await part("bytes=3000000-");
  assert.deepEqual([beyond.status, beyond.range], [416, "bytes */3000000"]);
});

test("ranges", () => {
  assert.deepEqual(parseByteRange("bytes=-5", 100), { first: 95, last: 99 });
  assert.deepEqual(parseByteRange("bytes=-500", 100), { first: 0, last: 99 });
  assert.deepEqual(parseByteRange("bytes=10-500", 100), { first: 10, last: 99 });
  assert.equal(parseByteRange("bytes=-0", 100), "none");
  assert.equal(parseByteRange("bytes=0-", 0), "none");
  for (const header of [
    undefined,
    "bytes=-",
    "bytes=9-3",
    "bytes=0-1,3-4",
    "lines=1-2",
    "bytes=a-b",
  ])
    assert.equal(parseByteRange(header, 100), "whole", header);
});

test("nothing but the boot files, however it is spelt", async () => {
  for (const path of [
    "secret",
    "initrd.img",
    "",
    ".",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "vmlinuz%00",
    "vmlinuz/",
    "constructor",
  ])
    assert.equal((await fetch(`${url}/boot/${path}`)).status, 404, path);
});
