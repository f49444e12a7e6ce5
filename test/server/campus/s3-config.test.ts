import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { S3Objects } from "../../../server/campus/s3.ts";
import { type S3Config, s3PlaceOf } from "../../../server/campus/s3-config.ts";
import { play, refuse } from "./played-storage.ts";

const config: S3Config = {
  ...{ endpoint: "s3.example.org:9000", region: "r", bucket: "campus", forcePathStyle: true },
  ...{ accessKeyFile: "/none", secretKeyFile: "/none" },
};

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "s3-config-"));
});
after(() => rm(folder, { recursive: true }));

test("a storage is asked by https, but where the operator says otherwise, or on this host", () => {
  const cases: readonly (readonly [Partial<S3Config>, string, boolean])[] = [
    [{}, "https://s3.example.org:9000/campus/", false],
    [{ forcePathStyle: false }, "https://campus.s3.example.org:9000/", false],
    [{ endpoint: "http://s3.example.org" }, "http://s3.example.org/campus/", true],
    [{ endpoint: "HTTPS://s3.example.org/" }, "https://s3.example.org/campus/", false],
    [{ endpoint: "localhost:80" }, "http://localhost/campus/", false],
    [{ endpoint: "http://[::1]:9" }, "http://[::1]:9/campus/", false],
    [{ endpoint: "https://127.0.0.1" }, "https://127.0.0.1/campus/", false],
    [{ endpoint: "http://127.0.0.1.example.org" }, "http://127.0.0.1.example.org/campus/", true],
  ];
  for (const [more, url, goesInClear] of cases) {
    const place = s3PlaceOf({ ...config, ...more });
    assert.deepEqual([place.url.href, place.goesInClear], [url, goesInClear]);
  }
});

test("an endpoint with more in it, and a name that no bucket has, are refused", () => {
  const endpoints = ["https://s3/path", "https://key:secret@s3", "https://s3/?x", "", "ftp://s3"];
  const bad = [...endpoints.map((endpoint) => ({ endpoint })), { bucket: "../other" }];
  for (const more of bad) {
    assert.throws(() => s3PlaceOf({ ...config, ...more }), { code: "bad-input" });
  }
});

test("a storage that is named by its address has its bucket in the path", () => {
  for (const endpoint of ["https://10.0.0.5:9000", "10.0.0.5", "http://[fd00::5]"]) {
    const place = { ...config, endpoint };
    assert.throws(() => s3PlaceOf({ ...place, forcePathStyle: false }), { next: /forcePathStyle/ });
    assert.match(s3PlaceOf(place).url.href, /5(:9000)?\]?\/campus\/$/);
  }
});

test("keys that others may read are not taken", async () => {
  await using storage = await play((_, answer) => refuse(answer, 503, "SlowDown"));
  await chmod(storage.config.secretKeyFile, 0o640);
  await assert.rejects(S3Objects.open(storage.config), {
    code: "refused",
    next: new RegExp(`chmod go-rwx ${storage.config.secretKeyFile}`),
  });
  await chmod(storage.config.secretKeyFile, 0o600);
  await writeFile(storage.config.accessKeyFile, "\n");
  await assert.rejects(S3Objects.open(storage.config), { code: "bad-input", message: /empty/ });
});

test("a site's own authority is trusted where it is named, and nowhere else", async () => {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name)) as [string, string];
  const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const names = ["-subj", "/CN=storage", "-addext", "subjectAltName=IP:127.0.0.1"];
  const run = spawnSync("openssl", [...words, ...names, "-keyout", key, "-out", cert]);
  assert.equal(run.status, 0, String(run.stderr));
  const tls = { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
  await using trusting = await play((_, answer) => answer.end("x"), {
    tls,
    config: { caFile: cert },
  });
  assert.equal((await trusting.objects.get("packs/x")).length, 1);
  await using strange = await play((_, answer) => answer.end("x"), { tls });
  await assert.rejects(strange.objects.get("packs/x"), { code: "away", next: /caFile/ });
  assert.deepEqual(strange.waits, []);
  const missing = { ...trusting.config, caFile: join(folder, "none") };
  await assert.rejects(S3Objects.open(missing), { code: "bad-input", next: /caFile/ });
});
