/**
 * One server on several networks: each is served by its own interface, and what is cast in one is on no wire of
 * another, which tcpdump on the server's interfaces says.
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../client/api/client.ts";
import { neededFiles } from "../../core/boot/boot-files.ts";
import type { DoctorView, StatusView } from "../../core/wire/api.ts";
import { addressOption, dhcpType, messageType } from "../../core/wire/dhcp/packet.ts";
import type { ImageView, SessionView } from "../../core/wire/views.ts";
import { decoded, goldenRequests } from "../core/boot/golden.ts";
import { run } from "../room/run.ts";
import {
  type Answer,
  checksum,
  fillDisk,
  type Host,
  type HostRoom,
  mib,
  networkRows,
  openHostRoom,
  program,
} from "./hosts.ts";
import { udpFrames } from "./pcap.ts";
import { endPrograms, Program } from "./program.ts";

const diskBytes = 32 * mib;
let room: HostRoom;
let client: ApiClient;
let master: Host;
/** By wire. */
let clones: readonly (readonly Host[])[];

before(async () => {
  room = await openHostRoom();
  const { network } = room;
  await network.addWire(1);
  await network.addWire(2);
  const config = join(room.folder, "roomcast.toml");
  // Slow enough for a cast to last while a cable is pulled.
  await writeFile(
    config,
    '[[network]]\ninterface = "lab2"\nrate = "60 Mbit/s"\n[cast]\nrate = "60 Mbit/s"\n',
  );
  await room.startServer("--interface", "lab1", "--config", config);
  client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  master = await room.addHost(1, diskBytes);
  await fillDisk(master.disk, diskBytes, 7);
  clones = [
    [await room.addHostOn(0, 2, diskBytes)],
    [await room.addHostOn(1, 3, diskBytes), await room.addHostOn(1, 4, diskBytes)],
    [await room.addHostOn(2, 5, diskBytes)],
  ];
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 5,
    120,
  );
  for (const name of ["one", "two", "mixed"]) await room.roomcast("room", "create", name);
  const captured = await room.roomcast("capture", master.name, "base", "--wait");
  assert.equal(captured.status, 0, captured.stderr);
});

after(async () => {
  await endPrograms();
  await room?.close();
});

const server = (...words: string[]) => run(words, { namespace: room.network.serverNamespace });
const clonesOn = (wire: number): readonly Host[] => clones[wire] ?? [];
const place = async (hosts: readonly Host[], name: string): Promise<void> => {
  for (const host of hosts) await client.patch(`/pcs/${host.name}`, { room: name });
};
const restore = async (name: string): Promise<string> => {
  const answer = await room.roomcast("restore", "base", "--room", name);
  assert.equal(answer.status, 0, answer.stderr);
  return (answer.value as SessionView).id;
};
const over = (id: string, seconds = 120): Promise<SessionView> =>
  room.until(
    () => client.get<SessionView>(`/sessions/${id}`),
    ({ endedAt }) => endedAt !== null,
    seconds,
  );
/** Its PCs are at it. */
const receiving = (id: string): Promise<SessionView> =>
  room.until(
    () => client.get<SessionView>(`/sessions/${id}`),
    ({ members }) => members.some(({ bytesWritten }) => bytesWritten > mib),
    60,
  );
const assertVerified = ({ members }: SessionView): void =>
  assert.deepEqual(
    members.filter(({ result }) => result !== "verified").map(({ name, reason }) => [name, reason]),
    [],
  );

/** Captures what leaves by an interface of the server; `stop` answers where the multicast went. */
async function capture(interfaceName: string): Promise<{ stop(): Promise<Set<string>> }> {
  const file = join(room.folder, `${interfaceName}.pcap`);
  const dump = new Program(room.network.serverNamespace, [
    ...["tcpdump", "-i", interfaceName, "-Q", "out", "-U", "-w", file],
    ...["udp", "and", "net", "239.0.0.0/8"],
  ]);
  await dump.line(/listening on/);
  return {
    async stop() {
      dump.child.kill("SIGTERM");
      await dump.ended;
      return new Set(udpFrames(await readFile(file)).map(({ destination }) => destination));
    },
  };
}

test("each interface has its own listeners, DHCP and address; the ready line has the first", async () => {
  const { networks, listeners, url } = await client.get<StatusView>("/status");
  assert.deepEqual(networkRows({ networks }), [
    ["lab0", "10.77.0.1", null, "off"],
    ["lab1", "10.78.0.1", null, "off"],
    ["lab2", "10.79.0.1", null, "off"],
  ]);
  assert.equal(url, "http://10.77.0.1:8080");
  assert(listeners.includes("https://10.78.0.1:8443"), listeners.join(" "));
  for (const wire of [0, 1, 2]) {
    const [host] = clonesOn(wire);
    const ask = ["curl", "-sS", "--max-time", "10", `http://10.${77 + wire}.0.1:8080/boot/key`];
    const { stdout } = await run(ask, { namespace: host?.namespace ?? "" });
    assert.equal(JSON.parse(stdout).gate, `https://10.${77 + wire}.0.1:8443`);
  }
});

test("two rooms on two networks are cast to at once, each by its own interface alone", async () => {
  await place(clonesOn(0), "one");
  await place(clonesOn(1), "two");
  const captures = await Promise.all(["lab0", "lab1", "lab2"].map(capture));
  const ids = [await restore("one"), await restore("two")];
  const sessions = await Promise.all(ids.map((id) => over(id)));
  const went = await Promise.all(captures.map((each) => each.stop()));
  sessions.forEach(assertVerified);
  assert.deepEqual(
    went.map(({ size }) => size),
    [1, 1, 0],
    "one group an interface, and none where nobody is",
  );
  assert.notDeepEqual(went[0], went[1]);
  const sum = await checksum(master.disk);
  for (const { disk, name } of [...clonesOn(0), ...clonesOn(1)])
    assert.equal(await checksum(disk), sum, name);
});

test("a room whose PCs are on two networks: one session, and a cast on each of them", async () => {
  await place([...clonesOn(1), ...clonesOn(2)], "mixed");
  const captures = await Promise.all(["lab0", "lab1", "lab2"].map(capture));
  const session = await over(await restore("mixed"));
  const went = await Promise.all(captures.map((each) => each.stop()));
  assertVerified(session);
  assert.deepEqual(
    session.members.map(({ lane }) => lane).filter((lane) => lane === "http"),
    [],
  );
  assert.deepEqual(
    went.map(({ size }) => size),
    [0, 1, 1],
  );
});

test("a live cast over two networks is refused, and says who is where", async () => {
  await place([...clonesOn(0), ...clonesOn(1)], "two");
  const refused = await room.roomcast("cast", master.name, "--room", "two");
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /host1 is on lab0, and host3, host4 on lab1: a live cast/);
});

test("a room is checked while sessions move data elsewhere, and images are packed anew while one waits for PCs that are off", async () => {
  await room.roomcast("room", "create", "quiet");
  await room.roomcast("room", "create", "far");
  const [receiver, idle] = clonesOn(1);
  const [absent] = clonesOn(2);
  assert(receiver !== undefined && idle !== undefined && absent !== undefined);
  await place(clonesOn(0), "one");
  await place([receiver], "two");
  await place([idle], "quiet");
  await place([absent], "far");
  const doctor = (name: string) => room.roomcast("doctor", "--room", name);
  const answered = (answer: Answer): void => assert(Array.isArray(answer.value), answer.stderr);

  const casting = await restore("two");
  await receiving(casting);
  const [elsewhere, beside] = await Promise.all([doctor("one"), doctor("quiet")]);
  answered(elsewhere);
  assert.equal(beside.status, 1);
  const refusal = `session ${casting} (restore, room two) moves data on lab1, and the check would hold it up`;
  assert(beside.stderr.includes(refusal), beside.stderr);
  assert(beside.stderr.includes(`roomcast session stop ${casting}`), beside.stderr);
  assertVerified(await over(casting));

  await absent.kill();
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.find(({ name }) => name === absent.name)?.state === "offline",
    60,
  );
  const waiting = await restore("far");
  answered(await doctor("quiet"));
  // The highest level takes a minute, for the same.
  await room.roomcast("image", "optimise", "base", "--level", "5");
  await room.until(
    () => client.get<ImageView>("/images/base"),
    ({ optimise }) => optimise?.state === "done",
    90,
  );
  assert.equal((await room.session(waiting)).state, "gathering");
  absent.start();
  assertVerified(await over(waiting));
  assert.equal(await checksum(absent.disk), await checksum(master.disk));
});

test("the link of one network goes down while both cast: the other is done, and this one when it is back", async () => {
  await place(clonesOn(0), "one");
  await place(clonesOn(1), "two");
  const [one, two] = [await restore("one"), await restore("two")];
  await Promise.all([receiving(one), receiving(two)]);
  await server("ip", "link", "set", "lab1", "down");
  assertVerified(await over(one));
  const down = await client.get<StatusView>("/status");
  assert.match(down.networks[1]?.trouble ?? "", /^lab1 is down: its PCs are not served/);
  assert(down.warnings.some((text) => text.startsWith("lab1 is down")));
  const { findings } = await client.get<DoctorView>("/doctor");
  assert(findings.some(({ level, text }) => level === "problem" && text === "lab1 is down"));
  await server("ip", "link", "set", "lab1", "up");
  assertVerified(await over(two));
  const up = await client.get<StatusView>("/status");
  assert.equal(up.networks[1]?.trouble, null);
  assert(!up.warnings.some((text) => text.includes("lab1")));
});

test("an interface that gets another address, or is made anew, is served there", async () => {
  await server("ip", "address", "flush", "dev", "lab2");
  const seen = (accept: (network: StatusView["networks"][number]) => boolean) =>
    room.until(
      () => client.get<StatusView>("/status"),
      ({ networks }) => networks[2] !== undefined && accept(networks[2]),
      20,
    );
  await seen(({ trouble }) => trouble?.startsWith("lab2 has no IPv4 address") === true);
  await server("ip", "address", "add", "10.80.0.1/24", "brd", "+", "dev", "lab2");
  await seen(({ trouble, address }) => trouble === null && address === "10.80.0.1");
  const { namespace = "" } = clonesOn(2)[0] ?? {};
  await run(["ip", "-n", namespace, "address", "add", "10.80.0.105/24", "dev", "eth0"]);
  const ask = ["curl", "-sS", "--max-time", "10", "http://10.80.0.1:8080/boot/key"];
  const { stdout } = await run(ask, { namespace });
  assert.equal(JSON.parse(stdout).gate, "https://10.80.0.1:8443");
});

test("DHCP: each network leases of its own range, or is a proxy, and sends PCs to its own address", async () => {
  await room.endServer("SIGTERM");
  await server("ip", "address", "flush", "dev", "lab2");
  await server("ip", "address", "add", "10.79.0.1/24", "brd", "+", "dev", "lab2");
  const config = join(room.folder, "dhcp.toml");
  const boot = join(room.folder, "boot");
  await mkdir(boot);
  for (const file of neededFiles) await writeFile(join(boot, file), "as if");
  const networks = [
    ["lab0", "server", 'range = "10.77.0.200-10.77.0.210"'],
    ["lab1", "server", 'range = "10.78.0.30-10.78.0.40"'],
    ["lab2", "proxy", ""],
  ].map(
    ([name, dhcp, range]) => `[[network]]\ninterface = "${name}"\ndhcp = "${dhcp}"\n${range}\n`,
  );
  await writeFile(config, `${networks.join("")}[boot]\nfolder = "${boot}"\n`);
  const served = new Program(room.network.serverNamespace, [
    ...program,
    ...["--data", join(room.folder, "data2"), "serve", "--config", config],
  ]);
  assert.match(
    await served.line(/^roomcast ready/, 0, 60),
    /^roomcast ready http:\/\/10\.77\.0\.1:8080 /,
  );
  const bios = goldenRequests.find(({ type, arch }) => type === "DISCOVER" && arch === 0);
  assert(bios !== undefined);
  // A ROM that is no iPXE: option 77 (user class) is blotted out by pad bytes. And it wants its answer by broadcast.
  const hex = bios.hex.replace("4d0469505845", "000000000000");
  const offers = [];
  for (const wire of [0, 1, 2]) {
    const [host] = clonesOn(wire);
    const asker = new Program(host?.namespace ?? "", [
      ...[process.execPath, "--disable-warning=ExperimentalWarning"],
      ...[join(import.meta.dirname, "boot-client.ts"), "eth0"],
    ]);
    await asker.line(/^ready$/);
    asker.tell({ hex, to: "255.255.255.255", port: 67 });
    const offer = decoded(Buffer.from(await asker.line(/^02/), "hex"));
    assert.equal(messageType(offer), dhcpType.offer);
    offers.push([offer.yiaddr, offer.siaddr, addressOption(offer, 54), offer.file]);
    asker.child.stdin?.end();
    await asker.ended;
  }
  assert.deepEqual(offers, [
    ["10.77.0.200", "10.77.0.1", "10.77.0.1", "undionly.kpxe"],
    ["10.78.0.30", "10.78.0.1", "10.78.0.1", "undionly.kpxe"],
    ["0.0.0.0", "10.79.0.1", "10.79.0.1", "undionly.kpxe"],
  ]);
  const scripts = await Promise.all(
    [0, 1].map(async (wire) => {
      const url = `http://10.${77 + wire}.0.1:8080/boot/ipxe/52-54-00-00-00-77`;
      const ask = ["curl", "-sS", "--max-time", "10", url];
      return (await run(ask, { namespace: clonesOn(wire)[0]?.namespace ?? "" })).stdout;
    }),
  );
  for (const [wire, text] of scripts.entries()) {
    assert.match(text, new RegExp(`roomcast\\.gate=https://10\\.${77 + wire}\\.0\\.1:8443`));
    assert.doesNotMatch(text, new RegExp(`10\\.${78 - wire}\\.0\\.1`));
  }
  served.child.kill("SIGTERM");
  assert.equal(await served.ended, 0);
});

test("at a start, a cable that is out, a port that is taken and an adapter that is missing stop their own networks alone, until they are mended", async () => {
  const config = join(room.folder, "faults.toml");
  const network = (name: string, dhcp: string) =>
    `[[network]]\ninterface = "${name}"\ndhcp = "${dhcp}"\n`;
  const boot = `[boot]\nfolder = "${join(room.folder, "boot")}"\n`;
  const all =
    network("lab0", "off") +
    network("lab1", "server") +
    network("lab2", "off") +
    network("lab9", "off") +
    boot;
  await writeFile(config, all);
  const serve = () =>
    new Program(room.network.serverNamespace, [
      ...program,
      ...["--data", join(room.folder, "data3"), "serve", "--config", config],
    ]);
  const cable = (state: "up" | "down") =>
    run(["ip", "link", "set", "server0", state], { namespace: room.network.wireNamespace });
  const holds = 'require("node:dgram").createSocket("udp4").bind(67, () => console.log("held"))';
  const other = new Program(room.network.serverNamespace, [process.execPath, "-e", holds]);
  await other.line(/^held$/);
  await cable("down");

  const served = serve();
  assert.match(
    await served.line(/^roomcast ready/, 0, 60),
    /^roomcast ready http:\/\/10\.79\.0\.1:8080 https:\/\/10\.79\.0\.1:8443 /,
  );
  const at = new ApiClient({ socketPath: join(room.folder, "data3", "roomcast.sock") });
  const status = () => at.get<StatusView>("/status");
  const { networks, warnings, url } = await status();
  const troubles = networks.map(({ trouble }) => trouble);
  assert.match(troubles[0] ?? "", /^lab0 has no link: its PCs are not served until it is back/);
  assert.match(troubles[1] ?? "", /^lab1 is not served: UDP port 67 is in use by [^ ]+ \(process/);
  assert.equal(troubles[2], null);
  assert.match(troubles[3] ?? "", /^there is no interface lab9: its PCs are not served until/);
  assert.deepEqual(warnings, [troubles[0], troubles[1], troubles[3]]);
  assert.equal(url, "http://10.79.0.1:8080");

  await cable("up");
  other.child.kill("SIGTERM");
  const mended = await room.until(
    status,
    (seen) => seen.networks.slice(0, 3).every(({ trouble }) => trouble === null),
    30,
  );
  assert.deepEqual(networkRows(mended), [
    ["lab0", "10.77.0.1", null, "off"],
    ["lab1", "10.78.0.1", null, "server"],
    ["lab2", "10.79.0.1", null, "off"],
    ["lab9", null, mended.networks[3]?.trouble, undefined],
  ]);
  assert.equal(mended.url, "http://10.77.0.1:8080");
  assert.match(mended.warnings.join("\n"), /^there is no interface lab9: [^\n]+$/);
  served.child.kill("SIGTERM");
  assert.equal(await served.ended, 0);
});
