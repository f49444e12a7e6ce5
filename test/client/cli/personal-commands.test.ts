/** What the commands of rooms, PCs, keys and steps ask of the server, and what they say before a word is typed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { imageOf, pcOf } from "../console/fake-lab.ts";
import { ran } from "./run-command.ts";

const changes: readonly (readonly [options: string, change: object])[] = [
  [
    "--naming lab1-{seat} --domain lab.example.org",
    { naming: "lab1-{seat}", domain: "lab.example.org" },
  ],
  ["--naming none --domain none --pin none", { naming: null, domain: null, pin: null }],
  [
    "--address static --gateway 10.0.0.1 --prefix /24",
    { address: "static", gateway: "10.0.0.1", prefix: 24 },
  ],
  ["--gateway auto --prefix auto --dns auto", { gateway: null, prefix: null, dns: null }],
  ["--dns 10.0.0.2 10.0.0.3", { dns: ["10.0.0.2", "10.0.0.3"] }],
  ["--ssh-key ann bert", { sshKeys: ["ann", "bert"] }],
  ["--ssh-key ann --ssh-key bert", { sshKeys: ["ann", "bert"] }],
  ["--ssh-key none", { sshKeys: [] }],
  ["--boot-first disk --secrets proven", { bootFirst: "disk", secrets: "proven" }],
];

for (const [options, change] of changes)
  test(`room set ${options}`, async () => {
    const { calls, said } = await ran(["room", "set", "lab-1", ...options.split(" ")]);
    assert.deepEqual(calls, [["PATCH", "/rooms/lab-1", change]]);
    assert(!said.join().includes("private SSH host keys"));
  });

test("room set --secrets unproven tells what that means", async () => {
  const { calls, said } = await ran(["room", "set", "lab-1", "--secrets", "unproven"]);
  assert.deepEqual(calls, [["PATCH", "/rooms/lab-1", { secrets: "unproven" }]]);
  assert.match(said.join(" "), /private SSH host keys go, over TLS, .*could not prove who it is/);
});

test("pc set with an address and fields, and without them again", async () => {
  const set = async (...words: string[]) =>
    (await ran(["pc", "set", "pc01", ...words])).calls[0]?.[2];
  assert.deepEqual(
    await set("--address", "10.0.0.31/24", "--field", "a=1", "b=x=y", "--field", "c="),
    {
      address: "10.0.0.31/24",
      fields: { a: "1", b: "x=y", c: "" },
    },
  );
  assert.deepEqual(await set("--address", "none", "--seat", "none"), { address: null, seat: null });
});

function withFile(name: string, bytes: string | Uint8Array, run: (path: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-cli-"));
  writeFileSync(join(folder, name), bytes);
  return run(join(folder, name)).finally(() => rmSync(folder, { recursive: true }));
}

test("a step is named as its file, and is text; so are keys and lists", () =>
  withFile("10-join.sh", "#!/bin/sh\necho ä\n", async (path) => {
    assert.deepEqual((await ran(["image", "step", "add", "win11", path])).calls, [
      ["POST", "/images/win11/steps", { name: "10-join.sh", script: "#!/bin/sh\necho ä\n" }],
    ]);
    assert.deepEqual((await ran(["image", "step", "remove", "win11", "10-join.sh"])).calls, [
      ["DELETE", "/images/win11/steps/10-join.sh", undefined],
    ]);
    const list = await ran(["room", "import", "lab-1", path], {
      "/rooms/lab-1/import": { pcs: [] },
    });
    assert.deepEqual(list.calls[0]?.slice(0, 2), ["POST", "/rooms/lab-1/import"]);
    writeFileSync(path, Uint8Array.of(0x23, 0x21, 0xe4));
    for (const words of ["image step add win11", "key add ann", "room import lab-1"]) {
      const { calls, error } = await ran([...words.split(" "), path]);
      assert.match(error?.message ?? "", /no text in UTF-8/);
      assert.deepEqual(calls, []);
    }
  }));

const partition = {
  ...{ index: 1, type: "basic", fs: "ntfs", label: null, uuid: null },
  ...{ start: 0, size: 1, usedBytes: 1, mode: "used" as const },
};
const step = { name: "10-join.sh", bytes: 300, by: "root", addedAt: "2026-11-28T07:00:00Z" };
const restore = (words: readonly string[], names: readonly string[]) => {
  const pcs = names.map((name, at) => pcOf(at, { name }));
  const image = imageOf(1, { partitions: [partition], steps: [step] });
  return ran(["restore", "win11", "--room", "lab-1", ...words], {
    "/pcs": pcs,
    "/images/win11": image,
  });
};

test("before the word is typed, restore lists the own steps, and refuses names that cannot be", async () => {
  const good = await restore([], ["pc01", "pc02"]);
  assert.match(
    good.shown.join("\n"),
    /these scripts of the image run on each PC.*\n {2}10-join\.sh, 300 B, added by root/,
  );
  const none = await restore(["--personalise", "none"], ["pc01", "much-too-long-for-windows"]);
  assert(none.shown.length > 0 && !none.shown.join().includes("10-join.sh"));
  const bad = await restore([], ["pc01", "much-too-long-for-windows"]);
  assert.deepEqual(bad.shown, []);
  assert.match(
    bad.error?.message ?? "",
    /much-too-long-for-windows cannot be a host name of Windows/,
  );
});
