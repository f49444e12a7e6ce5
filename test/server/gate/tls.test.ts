/** Two keys behind one port: who asks for the gate gets the gate's, others the site's certificate. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ConnectionOptions, connect, type Server } from "node:tls";
import fastify, { type FastifyInstance } from "fastify";
import { ApiClient } from "../../../client/api/client.ts";
import { agentFor } from "../../../client/api/trust.ts";
import { gateServername, pinOf } from "../../../core/node/pin.ts";
import { GateKeys } from "../../../server/gate/keys.ts";
import { readSiteCertificate } from "../../../server/gate/site-certificate.ts";
import { Tls } from "../../../server/gate/tls.ts";
import { openDataFolder } from "../../../server/host/data-folder.ts";
import { pinnedTo, runOut, testKey } from "../../tls.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-tls-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

/** A certificate of the site for 127.0.0.1, good for so many days. */
function makeSite(name: string, days: number): { certificate: string; key: string } {
  const files = { certificate: at(`${name}.crt`), key: at(`${name}.key`) };
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=lab", "-days", `${days}`],
      ...[
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        files.key,
        "-out",
        files.certificate,
      ],
    ],
    { stdio: "pipe" },
  );
  return files;
}

interface Opened {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly tls: Tls;
}

async function open(
  keys: GateKeys,
  site: Awaited<ReturnType<typeof readSiteCertificate>>,
): Promise<Opened> {
  const tls = new Tls(keys.current, site);
  const app = fastify({
    https: tls.options(),
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  app.get("/api/v1/status", () => ({}));
  return { app, tls, url: await app.listen({ host: "127.0.0.1", port: 0 }) };
}

/** The pin of what is shown to a client that asks for `servername`. */
function shown(url: string, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(url);
    const where = { host, port: Number(port), rejectUnauthorized: false };
    const socket = connect({ ...where, ...options }, () => {
      const spki = socket
        .getPeerX509Certificate()
        ?.publicKey.export({ type: "spki", format: "der" });
      resolve(spki === undefined ? "" : pinOf(spki));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("the gate's key for its name, the site's certificate for all else", async () => {
  const keys = await GateKeys.open(mkdtempSync(at("keys-")));
  const files = makeSite("site", 30);
  const { app, url } = await open(keys, await readSiteCertificate(files));
  const gate = keys.current.pin;
  assert.equal(await shown(url, { servername: gateServername }), gate);
  const site = await shown(url, {});
  assert.notEqual(site, gate);
  assert.equal(await shown(url, { servername: "lab.example" }), site);
  await assert.rejects(shown(url, { maxVersion: "TLSv1.2" }), "nothing before TLS 1.3");
  const place = { url: new URL(url), token: "t" };
  const ca = readFileSync(files.certificate, "utf8");
  const client = (trust: Parameters<typeof agentFor>[1]) =>
    new ApiClient({ ...place, agent: agentFor(place.url, trust) });
  assert.deepEqual(await client({ ca }).get("/status"), {});
  assert.deepEqual(await client({ pins: [gate] }).get("/status"), {});
  await assert.rejects(client({ ca: null }).get("/status"), {
    ...{ code: "other-key", message: /is not trusted/ },
  });
  await assert.rejects(client({ pins: [site] }).get("/status"), { code: "other-key" });
  await app.close();
});

test("without a certificate of the site the gate's is everybody's, and the next key takes both places", async () => {
  const data = mkdtempSync(at("keys-"));
  const keys = await GateKeys.open(data);
  const old = keys.current.pin;
  const { app, url, tls } = await open(keys, null);
  assert.equal(await shown(url, {}), old);
  await assert.rejects(keys.finish(), { code: "conflict" });
  await keys.rotate();
  await assert.rejects(keys.rotate(), { code: "conflict" });
  const [, next] = keys.pins;
  assert.equal(await shown(url, { servername: gateServername }), old, "not before all have heard");
  assert.deepEqual((await GateKeys.open(data)).pins, [old, next], "after a restart too");
  await keys.finish();
  tls.renew(app.server as unknown as Server, keys.current);
  for (const options of [{}, { servername: gateServername }])
    assert.equal(await shown(url, options), next);
  await assert.rejects(pinnedTo(url, old).openLink("/"), { code: "other-key" });
  assert.deepEqual((await GateKeys.open(data)).pins, [next]);
  await app.close();
});

test("a certificate that has run out connects a PC all the same: the pin decides, and no clock", async () => {
  const { key, cert, pin } = await testKey();
  const old = runOut(cert);
  assert.equal(new X509Certificate(old).validToDate.getUTCFullYear(), 1971);
  const app = fastify({ https: { key, cert: old } }) as unknown as FastifyInstance;
  app.get("/", () => "in");
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const server = pinnedTo(url, pin);
  assert.equal(await (await server.fetch("/")).text(), "in");
  await server.close();
  await app.close();
});

test("files of [tls] that do not fit each other are named", async () => {
  const one = makeSite("one", 1);
  const two = makeSite("two", 1);
  assert.equal(await readSiteCertificate({ names: ["lab"] }), null);
  for (const [tls, why] of [
    [{ certificate: one.certificate }, /belong together/],
    [{ certificate: one.certificate, key: two.key }, /two\.key is not the key of/],
    [{ certificate: at("none"), key: one.key }, /ENOENT/],
  ] as const)
    await assert.rejects(readSiteCertificate(tls), { code: "bad-input", message: why });
});

test("the keys' files are their owner's alone, also those that were open; what is no key is named", async () => {
  const data = mkdtempSync(at("keys-"));
  await (await GateKeys.open(data)).rotate();
  for (const name of ["gate.key", "gate-next.key"]) {
    assert.equal(statSync(join(data, name)).mode & 0o777, 0o600, name);
    chmodSync(join(data, name), 0o644);
  }
  await openDataFolder(data);
  for (const name of ["gate.key", "gate-next.key"])
    assert.equal(statSync(join(data, name)).mode & 0o777, 0o600, name);
  writeFileSync(join(data, "gate-next.key"), "");
  await assert.rejects(GateKeys.open(data), {
    code: "bad-input",
    message: /gate-next\.key is not/,
  });
});
