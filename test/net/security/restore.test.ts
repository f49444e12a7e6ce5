/**
 * A whole restore with a stranger on the wire: he hears all of it, is on a PC that says it is another one,
 * and reads afterwards whatever is left of it.
 */
import assert from "node:assert/strict";
import { createPrivateKey, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../../client/api/client.ts";
import type { ImageView, PcView, SessionView } from "../../../core/wire/views.ts";
import { run } from "../../room/run.ts";
import { helloOf } from "../../server/lab/hello.ts";
import {
  checksum,
  fillDisk,
  type Host,
  type HostRoom,
  mib,
  openHostRoom,
  program,
} from "../hosts.ts";
import { endPrograms, Program } from "../program.ts";

const diskBytes = 12 * mib;
const pin = "97531864";
/** In clear on purpose: what is heard of it shows that all is heard. */
const openCanary = randomBytes(32);
/** Content of the image that compresses to nothing shorter: what is stored of it is these bytes. */
const content = randomBytes(4 * mib);
const token = { secret: "" };

let room: HostRoom;
let client: ApiClient;
let master: Host;
let clones: readonly Host[] = [];
let image: ImageView;
let session: SessionView;
let sniffer: Program;
let twin: Program;
const at = (name: string): string => join(room.folder, name);

const umask = process.umask(0);

before(async () => {
  room = await openHostRoom();
  const boot = at("boot");
  await mkdir(boot);
  await writeFile(join(boot, "vmlinuz"), openCanary);
  await writeFile(at("lab.toml"), `[cast]\nrate = "20 Mbit/s"\n[boot]\nfolder = "${boot}"\n`);
  sniffer = new Program(room.network.wireNamespace, [
    ...["tcpdump", "-i", "br0", "-w", at("wire.pcap"), "-U", "-s", "0", "-B", "32768"],
  ]);
  await sniffer.line(/listening on br0/);
  await room.startServer("--config", at("lab.toml"));
  client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  const told = {
    ROOMCAST_TOLD: at("told"),
    NODE_OPTIONS: `--import ${join(import.meta.dirname, "told.ts")}`,
  };
  Object.assign(process.env, told);
  const hosts: Host[] = [];
  for (const number of [1, 2, 3]) hosts.push(await room.addHost(number, diskBytes));
  for (const name of Object.keys(told)) delete process.env[name];
  [master, ...clones] = hosts as [Host];
  await fillDisk(master.disk, diskBytes, 7);
  await using file = await open(master.disk, "r+");
  await file.write(content, 0, content.length, 4 * mib);
  for (const { disk } of clones) await fillDisk(disk, diskBytes, 99);
  const pcs = () => client.get<PcView[]>("/pcs");
  await room.until(pcs, (all) => all.filter(({ state }) => state === "idle").length === 3, 60);
  await client.post("/rooms", { name: "lab" });
  await client.patch("/rooms/lab", { pin });
  for (const { name } of hosts) await client.patch(`/pcs/${name}`, { room: "lab" });
});
after(async () => {
  process.umask(umask);
  await endPrograms();
  await room?.close();
});

/** What an operator does from the lab, with a token. */
async function operate(): Promise<void> {
  const added = await room.roomcast(
    "operator",
    "add",
    "ann",
    "--role",
    "viewer",
    "--out",
    at("token"),
  );
  assert.equal(added.status, 0, added.stderr);
  token.secret = readFileSync(at("token"), "utf8").trim().split(".")[1] ?? "";
  const { namespace } = await room.network.addHost(8);
  const server = ["--server", "https://10.77.0.1:8443", "--pin", room.pin()];
  await run([...program, ...server, "--token-file", at("token"), "pc", "list"], { namespace });
  await run(["curl", "-sf", "-o", at("fetched"), "http://10.77.0.1:8080/boot/vmlinuz"], {
    namespace,
  });
}

async function startTwin(of: Host): Promise<void> {
  const { namespace } = await room.network.addHost(9);
  const {
    disks,
    identity: _,
    ...known
  } = (await client.get<PcView[]>("/pcs")).find(({ name }) => name === of.name) as PcView;
  const hello = helloOf(of.mac, {
    ...{ name: of.name, disks, nic: known.nic, state: "idle" },
    identity: { uuid: null, serials: [], macs: [of.mac] },
  });
  const config = { url: "https://10.77.0.1:8443", pin: room.pin(), hello };
  const more = { session: session.id, imageId: image.id, typedPin: pin };
  const script = join(import.meta.dirname, "twin-child.ts");
  const words = [process.execPath, script, JSON.stringify({ ...config, ...more })];
  twin = new Program(namespace, words);
}

test("a twin of a PC is told nothing, displaces nobody, and ends no work", async () => {
  const captured = await room.roomcast("capture", master.name, "base", "--wait");
  assert.equal(captured.status, 0, captured.stderr);
  image = await client.get<ImageView>("/images/base");
  await operate();
  session = await client.post<SessionView>("/sessions", {
    ...{ kind: "restore", image: "base", overwrite: clones.map(({ name }) => name).join(",") },
    pcs: clones.map(({ name }) => name),
  });
  await startTwin(clones[0] as Host);
  const show = () => client.get<SessionView>(`/sessions/${session.id}`);
  session = await room.until(show, ({ endedAt }) => endedAt !== null, 60);
  for (const { name, result, reason } of session.members)
    assert.equal(result, "verified", `${name}: ${reason}`);
  const sum = await checksum(master.disk);
  for (const { disk } of clones) assert.equal(await checksum(disk), sum);
  await twin.line(/"view":"check"/);
  assertTold(twin.lines.map((line) => JSON.parse(line) as Told));
  const pcs = await client.get<PcView[]>("/pcs");
  const [record] = pcs.filter(({ doubt }) => doubt !== null);
  assert.deepEqual([record?.identity?.level, record?.session], ["waiting", null]);
  for (const { name } of clones)
    assert.equal(pcs.find((pc) => pc.name === name)?.state, "idle", `${name} is connected`);
  for (const { log } of clones)
    assert.equal(readFileSync(log, "utf8").match(/registered as/g)?.length, 1, "and always was");
});

interface Told {
  readonly heard?: {
    readonly type: string;
    readonly level?: string;
    readonly view?: string;
    readonly grant?: string | null;
  };
  readonly asked?: string;
  readonly status?: number;
  readonly closed?: string;
}

/** A PC that nobody has placed hears what it is, and may look at the network; nothing else. */
function assertTold(told: readonly Told[]): void {
  const requests = told.filter(({ asked }) => asked !== undefined);
  assert(requests.length > 10);
  for (const { asked, status } of requests) assert.equal(status, 401, asked);
  const heard = told.flatMap((each) => each.heard ?? []);
  const types = new Set(heard.map(({ type }) => type));
  for (const type of ["challenge", "welcome", "keys", "placed", "menu", "notice", "grant"])
    types.delete(type);
  assert.deepEqual([...types], []);
  const place = clones[0]?.name ?? "";
  assert(!JSON.stringify(heard).includes(`"${place}"`), "not even whom it resembles");
  assert(!JSON.stringify(heard).includes(` ${place}`));
  for (const { type, level } of heard)
    if (type === "welcome" || type === "placed") assert.equal(level, "waiting");
  const granted = heard.filter(({ type, grant }) => type === "grant" && grant !== null);
  // It asks once a second, for less than a minute.
  assert.deepEqual(
    granted.map(({ view }) => view),
    ["check"],
  );
  assert.deepEqual(
    told.filter(({ closed }) => closed !== undefined),
    [],
  );
}

interface Secret {
  readonly what: string;
  readonly bytes: Buffer;
}

/** Of text or bytes, as it can stand in what somebody reads: as it is, in hexadecimal, in base64. */
function forms(bytes: Buffer): Buffer[] {
  const base64 = [0, 1, 2].map((skip) => {
    const whole = bytes.subarray(skip, skip + 3 * Math.floor((bytes.length - skip) / 3));
    return whole.toString("base64");
  });
  const texts = [bytes.toString("hex"), bytes.toString("hex").toUpperCase(), ...base64];
  return [bytes, ...texts.map((text) => Buffer.from(text))];
}

/** What the agents were told, the token, the PIN, and what the server proves itself by. */
function secrets(): Secret[] {
  const told = readFileSync(at("told"), "utf8");
  const all = (pattern: RegExp): string[] => [
    ...new Set([...told.matchAll(pattern)].map(([, found]) => found ?? "")),
  ];
  const grants = all(/"grant":"[^"]+\/([^"/]+)"/g);
  const [chunkKeys, packetKeys] = [all(/"chunk":"([^"]+)"/g), all(/"packet":"([^"]+)"/g)];
  // Of a capture, and of a restore of two PCs, which share the keys.
  assert(grants.length >= 3 && chunkKeys.length >= 1 && packetKeys.length >= 1, told);
  const key = createPrivateKey(readFileSync(join(room.data, "gate.key")));
  const scalar = key.export({ format: "jwk" }).d ?? "";
  assert(token.secret.length > 20);
  return [
    { what: "the token", bytes: Buffer.from(token.secret) },
    { what: "the PIN", bytes: Buffer.from(pin) },
    { what: "the gate's key", bytes: Buffer.from(scalar, "base64url") },
    ...grants.map((seal) => ({ what: "a grant", bytes: Buffer.from(seal) })),
    ...[...chunkKeys, ...packetKeys].map((text) => ({
      ...{ what: "a key of the cast", bytes: Buffer.from(text, "base64") },
    })),
  ];
}

/** Pieces of the image's content, all over it: of some, a packet's end may lie within. */
const pieces: readonly Secret[] = Array.from({ length: 256 }, (_, number) => ({
  what: "content of the image",
  bytes: content.subarray(number * 16_000, number * 16_000 + 24),
}));

const foundIn = (bytes: Buffer, all: readonly Secret[]): string[] =>
  all
    .filter(({ bytes: secret }) => forms(secret).some((form) => bytes.includes(form)))
    .map(({ what }) => what);

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test("nothing of it is on the wire in clear: no content, no key, no grant, no token, no PIN", async () => {
  sniffer.child.kill("SIGINT");
  await sniffer.ended;
  const wire = readFileSync(at("wire.pcap"));
  assert(wire.includes(openCanary), "what goes in clear is found");
  assert(wire.length > session.bytesSent && session.bytesSent > content.length);
  assert.deepEqual(foundIn(wire, [...secrets(), ...pieces]), []);
});

test("nothing of it is left: in no log, report, disk, image, or file of the server but its own key", async () => {
  const own = [at("told"), at("token"), at("wire.pcap"), join(room.data, "gate.key")];
  const files = filesBelow(room.folder).filter((path) => !own.includes(path));
  const packs = files.filter((path) => path.endsWith(".pack"));
  assert(
    files.includes(room.serverLog) && files.includes(clones[0]?.log ?? "") && packs.length > 0,
  );
  for (const path of files) {
    const bytes = readFileSync(path);
    assert.deepEqual(foundIn(bytes, secrets()), [], path);
    const isImage = path.endsWith(".pack") || path.endsWith(".disk");
    const of = foundIn(bytes, pieces.slice(0, 16)).length;
    assert.equal(of, isImage ? 16 : 0, path);
  }
  for (const format of ["csv", "html"]) {
    const report = await room.roomcast("session", "report", session.id, "--format", format);
    assert.deepEqual(foundIn(Buffer.from(JSON.stringify(report)), secrets()), []);
  }
});

test("with umask 0 and an open folder, all that the server and the agents keep is their owner's alone", () => {
  const keys = filesBelow(room.folder).filter((path) => /roomcast-agent.*\.key/.test(path));
  assert(keys.length >= 3, "each agent has a key");
  const kept = [
    room.data,
    ...readdirSync(room.data, { recursive: true, encoding: "utf8" }).map((name) =>
      join(room.data, name),
    ),
  ];
  assert(kept.some((path) => path.endsWith(".pack")));
  for (const path of [...kept, ...keys]) {
    const mode = (statSync(path).mode & 0o777).toString(8);
    assert.match(mode, /00$/, `${path} ${mode}`);
  }
});
