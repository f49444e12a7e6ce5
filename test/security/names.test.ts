/** What would be a command, a path or an order to a terminal elsewhere is no name here, and starts nothing. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decodeAgentMessage } from "../../core/wire/agent-message.ts";
import { decodeHello } from "../../core/wire/hello.ts";
import { readConfig } from "../../server/host/config.ts";
import { type Method, openApi, type TestApi } from "../server/api/open-api.ts";
import { helloOf, register } from "../server/lab/hello.ts";
import { mib, write } from "../server/store/write-image.ts";

let api: TestApi;
let folder = "";
let marker = "";
/** Each would make the marker, or lead out of a folder, where it was not taken for a name. */
let hostile: readonly string[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-names-"));
  marker = join(folder, "marker");
  hostile = [
    ...[`$(touch ${marker})`, `\`touch ${marker}\``, `a;touch ${marker}`, `a|touch ${marker}`],
    ...[`a&&touch ${marker}`, `a\ntouch ${marker}`, "a\0b", "-rf", "--help", "-", ""],
    ...["..", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "%2e%2e%2fpasswd", "a b"],
    ...["<script>alert(1)</script>", "'--", '"', "a\u001b[2Jb", "a\u202eb", "a\u200bb", "\ud800"],
    ...["=1+1", "@SUM(1)", "$HOME", "*", "x".repeat(65)],
  ];
  api = await openApi("local");
  register(api.lab.inventory, helloOf("52:54:00:00:00:01"));
  await write(api.images, [new Uint8Array(mib).fill(1)]);
});
after(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const lists = ["/pcs", "/rooms", "/images", "/sessions", "/schedule", "/operators"];
const everything = async (): Promise<string> =>
  JSON.stringify(await Promise.all(lists.map(async (path) => (await api.call("GET", path)).body)));

test("no call takes such a name, for whatever it is", async () => {
  const session = { overwrite: "default", room: "default" };
  const live = { ...session, kind: "cast", pc: "pc1" };
  const calls: readonly (readonly [Method, string, (name: string) => object])[] = [
    ["POST", "/rooms", (name) => ({ name })],
    ["PATCH", "/pcs/pc1", (name) => ({ name })],
    ["PATCH", "/pcs/pc1", (room) => ({ room })],
    ["PATCH", "/pcs/pc1", (seat) => ({ seat })],
    ["PATCH", "/rooms/default", (name) => ({ naming: `${name}{seat}/` })],
    ["PUT", "/rooms/default/seats", (name) => [{ name, x: 0, y: 0 }]],
    ["POST", "/captures", (name) => ({ pc: "pc1", name })],
    ["POST", "/imports", (name) => ({ name })],
    ["POST", "/operators", (name) => ({ name, role: "viewer" })],
    ["POST", "/sessions", (saveAs) => ({ ...live, saveAs })],
    ["POST", "/sessions", (image) => ({ ...session, kind: "restore", image })],
    ["POST", "/pcs/pc1/identify", (pc) => ({ as: pc })],
  ];
  const before = await everything();
  for (const [method, path, bodyOf] of calls) {
    for (const name of hostile) {
      const { status } = await api.call(method, path, bodyOf(name));
      const what = `${method} ${path} ${JSON.stringify(bodyOf(name))}: ${status}`;
      assert(status >= 400 && status < 500, what);
    }
  }
  assert.equal(await everything(), before);
  assert.equal(existsSync(marker), false);
});

test("no path leads to anything by such a name", async () => {
  const paths = ["/pcs/", "/rooms/", "/images/", "/sessions/", "/images/lab/chunks?first="];
  for (const path of paths) {
    for (const name of hostile.filter((each) => each !== "" && each !== "\ud800")) {
      const { status, body } = await api.call("GET", `${path}${encodeURIComponent(name)}`);
      assert(status >= 400 && status < 500, `${path}${name}: ${status}`);
      assert.doesNotMatch(JSON.stringify(body), /root:/);
    }
  }
});

test("no call takes an address to ask in the caller's place", async () => {
  const { body } = await api.call("GET", "/openapi.json");
  const fields: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { properties } = value as { properties?: object };
    if (properties !== undefined) fields.push(...Object.keys(properties));
    Object.values(value).forEach(look);
  };
  for (const path of Object.values(body.paths) as Record<string, { requestBody?: unknown }>[])
    for (const { requestBody } of Object.values(path)) look(requestBody);
  assert(fields.includes("overwrite"), "the bodies were found");
  assert.deepEqual(
    fields.filter((name) =>
      /ur[il]|href|host|address|endpoint|webhook|path|folder|file/i.test(name),
    ),
    // Of a PC, and how a room's PCs get theirs: what restored systems are given, and nobody is asked there.
    ["address", "address"],
  );
});

test("a PC that says such a name gets another, and one that asks for such an image is not understood", () => {
  for (const [number, name] of hostile.entries()) {
    const mac = `52:54:00:00:01:${number.toString(16).padStart(2, "0")}`;
    const said = decodeHello(JSON.stringify(helloOf(mac, { name: name.slice(0, 64) })));
    if (said.ok) {
      const record = register(api.lab.inventory, said.value);
      assert.match(record.name, /^pc\d+$/, JSON.stringify(name));
    }
    for (const want of [
      { action: "capture", name, disk: null },
      { action: "cast", room: "default", saveAs: name, disk: "/dev/sda" },
    ]) {
      const asked = decodeAgentMessage(JSON.stringify({ type: "ask", want }));
      assert.equal(asked.ok, false, JSON.stringify(want));
    }
  }
});

test("a PC's addresses are addresses: they stand in advice that people copy", () => {
  for (const text of hostile) {
    for (const more of [{ ip: text }, { identity: { uuid: null, serials: [], macs: [text] } }]) {
      const said = JSON.stringify({ ...helloOf("52:54:00:00:00:01"), ...more });
      assert.equal(decodeHello(said).ok, false, JSON.stringify(more));
    }
    assert.equal(decodeHello(JSON.stringify(helloOf(text))).ok, false, text);
  }
  const good = helloOf("52:54:00:00:00:01", { ip: "fe80::5054:ff:fe00:1" });
  assert(decodeHello(JSON.stringify(good)).ok);
});

test("an argument for the kernel has nothing that GRUB or iPXE would read as their own", async () => {
  const file = join(folder, "roomcast.toml");
  const read = (argument: string) => {
    writeFileSync(file, `[boot]\nkernelArguments = [${JSON.stringify(argument)}]\n`);
    return readConfig(file);
  };
  for (const argument of [
    ...hostile,
    "a;reboot",
    "${net0/mac}",
    "||",
    "a#b",
    "{a}",
    "'a'",
    "a>b",
  ]) {
    // These are no commands, and a kernel leaves what it does not know.
    if (/^[A-Za-z0-9_.,:=/@+%^~!*-]+$/.test(argument)) continue;
    await assert.rejects(read(argument), { code: "bad-input" }, argument);
  }
  for (const good of [
    "nomodeset",
    "pci=noaer,nomsi",
    "memmap=64M!1G",
    "ip=10.0.0.2::10.0.0.1:255.0.0.0",
  ])
    assert.deepEqual((await read(good)).boot?.kernelArguments, [good]);
});
