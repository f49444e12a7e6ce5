/** What a PC with Windows is given through the gate, and read there by the agent's own code. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { driverPieceBytes } from "../../../core/wire/personal.ts";
import { ServerFiles } from "../../../initrd/agent/link/http.ts";
import { helloOf } from "../lab/hello.ts";
import { type Granted, openGranted } from "./granted.ts";

const large = randomBytes(2 * driverPieceBytes + 5);
const even = randomBytes(driverPieceBytes);
let granted: Granted;
let files: ServerFiles;

const put = (path: string, content: string | Uint8Array): void => {
  const whole = join(granted.api.folder, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, content);
};

before(async () => {
  granted = await openGranted();
  const { lab } = granted.api;
  const pc = lab.inventory.find("pc4");
  const said = { uuid: null, serials: [], macs: [], vendor: "Dell Inc.", model: "OptiPlex 7090" };
  lab.inventory.describe(pc, helloOf(pc.hello.mac, { identity: said }), "t");
  files = filesFor(new AbortController().signal);
});
after(() => granted.close());

function filesFor(signal: AbortSignal): ServerFiles {
  const server = {
    async fetch(path: string, { headers }: { readonly headers: Record<string, string> }) {
      const { app } = granted.api;
      const { statusCode: status, rawPayload } = await app.inject({ url: path, headers });
      return new Response(new Uint8Array(rawPayload), { status });
    },
  };
  return new ServerFiles(server as never, signal, () => granted.grant("personal"));
}

async function driver(path: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of files.driver(granted.restore, path)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test("a PC for which the owner keeps nothing is told nothing of Windows", async () => {
  assert.equal((await files.personal(granted.restore)).windows, null);
});

test("a PC is given its room's settings, its own blob and its model's drivers, whole", async () => {
  put("windows/default/settings.toml", 'locale = "de-DE"');
  put("windows/default/join/pc4.blob", "QUJD");
  put("windows/default/join/pc3.blob", "REVG");
  put("drivers/Dell Inc./OptiPlex 7090/a b/#1 é.sys", large);
  put("drivers/Dell Inc./OptiPlex 7090/even.sys", even);
  put("drivers/Dell Inc./OptiPlex 7090/empty", "");
  const { windows } = await files.personal(granted.restore);
  assert.deepEqual(
    { ...windows, drivers: [] },
    {
      ...{ locale: "de-DE", timeZone: null, joinBlob: "QUJD", firstLogon: null },
      ...{ isJoinWithheld: false, drivers: [] },
    },
  );
  const sizes = windows?.drivers.map(({ path, size }) => [path, size]);
  assert.deepEqual(sizes, [
    ["a b/#1 é.sys", large.length],
    ["empty", 0],
    ["even.sys", even.length],
  ]);
  for (const { path, sha256 } of windows?.drivers ?? [])
    assert.equal(
      createHash("sha256")
        .update(await driver(path))
        .digest("hex"),
      sha256,
    );
});

test("a PC that has proven nothing is not given its blob", async () => {
  const { lab } = granted.api;
  const { admissions } = lab;
  const real = admissions.standing.bind(admissions);
  admissions.standing = (id) => ({ ...real(id), level: "unproven" });
  try {
    const { windows } = await files.personal(granted.restore);
    assert.deepEqual([windows?.joinBlob, windows?.isJoinWithheld], [null, true]);
  } finally {
    admissions.standing = real;
  }
});

test("a driver that no PC can be given is told at once, and to PCs with Windows alone", async () => {
  const long = "x".repeat(150);
  put(`drivers/Dell Inc./OptiPlex 7090/${long}/${"y".repeat(60)}.inf`, "");
  const { images } = granted.api.lab;
  const soon = filesFor(AbortSignal.timeout(5000));
  try {
    await assert.rejects(soon.personal(granted.restore), {
      code: "failed",
      message: /OptiPlex 7090/,
    });
    images.systemsOf = () => ["Linux"];
    assert.equal((await soon.personal(granted.restore)).windows, null);
  } finally {
    Reflect.deleteProperty(images, "systemsOf");
    rmSync(join(granted.api.folder, "drivers/Dell Inc./OptiPlex 7090", long), { recursive: true });
  }
});

test("no path leads elsewhere, and each needs the grant and a piece", async () => {
  const { app } = granted.api;
  const ask = async (path: string, grant: string | null = granted.grant("personal")) => {
    const headers = grant === null ? {} : { authorization: `Bearer ${grant}` };
    const url = `/gate/v2/drivers/${granted.restore}/${path}`;
    return (await app.inject({ url, headers })).statusCode;
  };
  assert.equal(await ask("even.sys?piece=0"), 200);
  const others = ["..%2f..%2f..%2fstate.db", "%2e%2e%2fOptiPlex", "%2fetc%2fpasswd", "none"];
  for (const path of others) assert.equal(await ask(`${path}?piece=0`), 404, path);
  for (const piece of ["", "?piece=-1", "?piece=1e9", "?piece=0&piece=1"])
    assert.equal(await ask(`even.sys${piece}`), 400, piece);
  assert.equal(await ask("even.sys?piece=0", null), 401);
  assert.equal(await ask("even.sys?piece=0", granted.grant("image")), 403);
});
