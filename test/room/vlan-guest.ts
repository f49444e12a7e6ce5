/** What `make test-vlan` runs in its guest: a server with an untagged network and two VLANs on one cable. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../client/api/client.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { DoctorView, StatusView } from "../../core/wire/api.ts";
import type { SessionView } from "../../core/wire/views.ts";
import {
  checksum,
  fillDisk,
  type Host,
  type HostRoom,
  mib,
  networkRows,
  openHostRoom,
  program,
} from "../net/hosts.ts";
import { udpFrames } from "../net/pcap.ts";
import { endPrograms, Program } from "../net/program.ts";
import { run } from "./run.ts";

/** Seconds. In an emulated PC a program takes ten times as long to start, and the host may have other work. */
const patience = 900;
const diskBytes = 16 * mib;
const names = ["lab0", "lab0.20", "lab0.30"];
let room: HostRoom;
let client: ApiClient;
let served: Program;
let twenty: Host;
let thirty: Host;
/** Of the disk that is captured. */
let sum: number;

before(async () => {
  room = await openHostRoom();
  const { network, folder, data } = room;
  await network.addVlan(1, 20);
  await network.addVlan(2, 30);
  const config = join(folder, "roomcast.toml");
  const vlans = [20, 30].map(
    (id, index) =>
      `[[network]]\ninterface = "lab0.${id}"\ndhcp = "server"\nrange = "10.${78 + index}.0.30-10.${78 + index}.0.40"\n` +
      // Slow enough for a cast to last while a link goes down.
      'rate = "4 Mbit/s"\n',
  );
  await writeFile(config, `[[network]]\ninterface = "lab0"\ndhcp = "off"\n${vlans.join("")}`);
  const words = ["--data", data, "serve", "--config", config];
  served = new Program(network.serverNamespace, [...program, ...words]);
  client = new ApiClient({ socketPath: join(data, "roomcast.sock") });
  twenty = await room.addHostOn(1, 2, diskBytes);
  thirty = await room.addHostOn(2, 3, diskBytes);
  await fillDisk(twenty.disk, diskBytes, 7);
  await served.line(/^roomcast ready/, 0, patience);
  step("the server serves");
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 2,
    patience,
  );
  step("two PCs are idle");
  for (const [name, host] of [
    ["twenty", twenty],
    ["thirty", thirty],
  ] as const) {
    await client.post("/rooms", { name });
    await client.patch(`/pcs/${host.name}`, { room: name });
  }
  const { members } = await over(await order("/captures", { pc: twenty.name, name: "base" }));
  assert.equal(members[0]?.result, "verified", members[0]?.reason ?? "");
  step("one of them is captured");
  sum = await checksum(twenty.disk);
  await fillDisk(twenty.disk, diskBytes, 8);
});

after(async () => {
  console.log(served?.lines.slice(-40).join("\n"));
  await endPrograms();
  await room?.close();
});

const step = (text: string): void =>
  console.log(`[${Math.round(performance.now() / 1000)} s] ${text}`);
const server = (...words: string[]) => run(words, { namespace: room.network.serverNamespace });
const status = () => client.get<StatusView>("/status");
/** Until the PCs are there: one that has just started may be too slow for its link. */
async function order(path: string, body: object): Promise<string> {
  const tried = () =>
    client.post<SessionView>(path, body).catch((error: unknown) => {
      if (error instanceof RoomcastError && error.code === "pc-unreachable") return null;
      throw error;
    });
  const begun = await room.until(tried, (answer) => answer !== null, patience);
  return begun?.id ?? "";
}
const restore = (name: string): Promise<string> =>
  order("/sessions", { kind: "restore", image: "base", room: name, overwrite: name });
const session = (id: string, accept: (view: SessionView) => boolean): Promise<SessionView> =>
  room.until(() => client.get<SessionView>(`/sessions/${id}`), accept, patience);
const over = (id: string) => session(id, ({ endedAt }) => endedAt !== null);
async function assertRestored(id: string, host: Host): Promise<void> {
  const { members } = await over(id);
  assert.deepEqual(
    members.map(({ name, result }) => [name, result]),
    [[host.name, "verified"]],
  );
  assert.equal(await checksum(host.disk), sum);
}
const troubles = async () => (await status()).networks.map(({ trouble }) => trouble);

test("a network without a tag and two VLANs on one cable, each with its own address and DHCP", async () => {
  assert.deepEqual(networkRows(await status()), [
    ["lab0", "10.77.0.1", null, "off"],
    ["lab0.20", "10.78.0.1", null, "server"],
    ["lab0.30", "10.79.0.1", null, "server"],
  ]);
});

test("each VLAN leases of its own range, and what is said in a VLAN is heard by no other interface", async () => {
  const { network } = room;
  // One that comes by the cable, but for which the server has no interface.
  await network.addVlan(3, 40);
  await server("ip", "link", "delete", "lab0.40");
  const forty = await network.addHost(4, 3);
  const untagged = await network.addHost(1);
  const child = join(import.meta.dirname, "..", "net", "arp-hearing-child.ts");
  const hearing = names.map(
    (name) => new Program(network.serverNamespace, [process.execPath, child, name]),
  );
  for (const each of hearing) await each.line(/^ready$/, 0, patience);
  for (const [host, net] of [
    [twenty, 78],
    [thirty, 79],
  ] as const) {
    const words = ["-f", "-q", "-n", "-i", "eth0", "-s", "/bin/true", "-T", "5", "-t", "9"];
    const dhcp = new Program(host.namespace, ["busybox", "udhcpc", ...words]);
    await dhcp.line(
      new RegExp(`lease of 10\\.${net}\\.0\\.30 obtained from 10\\.${net}\\.0\\.1`),
      0,
      patience,
    );
  }
  for (const [{ namespace }, net] of [
    [forty, 80],
    [twenty, 78],
    [thirty, 79],
    [untagged, 77],
  ] as const)
    await run(["busybox", "arping", "-c", "2", "-w", "4", "-I", "eth0", `10.${net}.0.9`], {
      ...{ namespace, accept: [0, 1] },
    });
  for (const [index, each] of hearing.entries())
    await each.line(new RegExp(` 10\\.${77 + index}\\.0\\.10\\d$`), 0, patience);
  assert.deepEqual(
    hearing.map(({ lines }) => [
      ...new Set(lines.flatMap((line) => / (10\.\d+)\.0\.\d+$/.exec(line)?.[1] ?? [])),
    ]),
    [["10.77"], ["10.78"], ["10.79"]],
  );
});

test("two rooms at once: each room's multicast is in its own VLAN, and nothing of it without a tag", async () => {
  const file = join(room.folder, "cable.pcap");
  const dump = new Program(room.network.wireNamespace, [
    ...["tcpdump", "-i", "server0", "-Q", "in", "-B", "16384", "-U", "-w", file],
  ]);
  await dump.line(/listening on/, 0, patience);
  const ids = [await restore("twenty"), await restore("thirty")] as const;
  await assertRestored(ids[0], twenty);
  await assertRestored(ids[1], thirty);
  dump.child.kill("SIGTERM");
  await dump.ended;
  const sent = udpFrames(await readFile(file)).filter(({ destination }) =>
    /^239\./.test(destination),
  );
  const groups = Object.groupBy(sent, ({ destination }) => destination);
  const found = Object.values(groups).map((frames = []) => ({
    vlans: [...new Set(frames.map(({ vlan }) => vlan))],
    source: [...new Set(frames.map(({ source }) => source))],
    bytes: frames.reduce((sum, { payload }) => sum + payload.length, 0),
  }));
  step(JSON.stringify(found));
  assert.deepEqual(found.map(({ vlans, source }) => [vlans, source]).sort(), [
    [[20], ["10.78.0.1"]],
    [[30], ["10.79.0.1"]],
  ]);
  for (const { bytes } of found) assert(bytes > mib, String(bytes));
});

test("one VLAN's interface goes down while both cast: the other's room is done, and its own when it is back", async () => {
  const ids = [await restore("twenty"), await restore("thirty")] as const;
  for (const id of ids)
    await session(id, ({ members }) => members.some(({ bytesWritten }) => bytesWritten > mib));
  await server("ip", "link", "set", "lab0.30", "down");
  await room.until(troubles, ([, , down]) => down !== null, patience);
  const down = await status();
  assert.deepEqual(
    down.networks.map(({ trouble }) => trouble),
    [
      null,
      null,
      "lab0.30 is down: its PCs are not served until it is back. To do: ip link set lab0.30 up",
    ],
  );
  // Its PC is waited for; half a minute after it was lost it has failed.
  await server("ip", "link", "set", "lab0.30", "up");
  await assertRestored(ids[0], twenty);
  await assertRestored(ids[1], thirty);
  assert.deepEqual(await troubles(), [null, null, null]);
});

test("the cable's own interface goes down: each network says so, and what to do; all are served when it is back", async () => {
  await server("ip", "link", "set", "lab0", "down");
  const texts = await room.until(troubles, (all) => all.every((text) => text !== null), patience);
  const text = (name: string, why: string): string =>
    `${name} is down${why}: its PCs are not served until it is back. To do: ip link set lab0 up`;
  const since = ", since lab0 is, which it is a VLAN of";
  assert.deepEqual(texts, [text("lab0", ""), text("lab0.20", since), text("lab0.30", since)]);
  const { findings } = await client.get<DoctorView>("/doctor");
  assert(
    findings.some(
      ({ text, mend }) => text === `lab0.30 is down${since}` && mend === "ip link set lab0 up",
    ),
  );
  await server("ip", "link", "set", "lab0", "up");
  await room.until(troubles, (all) => all.every((text) => text === null), patience);
  await server("ip", "link", "delete", "lab0.30");
  const gone = await room.until(troubles, ([, , text]) => text !== null, patience);
  assert.deepEqual(gone, [
    null,
    null,
    "there is no interface lab0.30: its PCs are not served until it is back. To do: ip link add link lab0 name lab0.30 type vlan id 30",
  ]);
});
