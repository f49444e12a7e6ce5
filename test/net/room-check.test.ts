/**
 * `doctor --room`: real agents, each with a fault that was made on its wire. Not made here: half duplex, a port that negotiates
 * less, and damaged frames. A veth takes no `ethtool -s`: it says 10,000 Mbit/s and full, always, and counts no `rx_errors`. A
 * tap takes it, but carries nothing without a program that moves its frames. What the agent reads of them is in
 * `test/initrd/agent/check/listen.test.ts`, what is said of it in `test/core/screen/room-check.test.ts`.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Finding } from "../../core/wire/api.ts";
import { run } from "../room/run.ts";
import { type Host, type HostRoom, mib, openHostRoom } from "./hosts.ts";

let room: HostRoom;
const hosts: Host[] = [];

before(async () => {
  room = await openHostRoom();
  const config = join(room.folder, "roomcast.toml");
  // A machine that runs all of this at once is not asked for more.
  await writeFile(config, '[rooms.lab]\nrate = "200 Mbit/s"\n');
  room.serverEnv.NODE_OPTIONS = `--import ${join(import.meta.dirname, "time-jump.ts")}`;
  await room.startServer("--config", config);
  for (const number of [1, 2, 3, 4]) hosts.push(await room.addHost(number, 8 * mib));
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 4,
    120,
  );
  await room.roomcast("room", "create", "lab");
  for (const { name } of hosts) await room.roomcast("pc", "set", name, "--room", "lab");
});

after(() => room?.close());

const host = (index: number): Host => hosts[index] as Host;
const wire = (...words: string[]) => run(words, { namespace: room.network.wireNamespace });

/** Of the multicast that comes to the PC, drops what the words match. */
async function dropMulticast({ namespace }: Host, ...words: string[]): Promise<void> {
  const nft = (...rule: string[]) => run(["nft", ...rule], { namespace });
  await nft("add", "table", "ip", "wall");
  await nft("add", "chain", "ip", "wall", "input", "{ type filter hook input priority 0; }");
  const group = ["ip", "daddr", "239.0.0.0/8"];
  await nft("add", "rule", "ip", "wall", "input", ...group, ...words, "drop");
}

async function check(): Promise<{ status: number; findings: Finding[] }> {
  const { status, value, stderr } = await room.roomcast("doctor", "--room", "lab");
  assert(Array.isArray(value), stderr);
  return { status, findings: value as Finding[] };
}
const wrong = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== "ok").map(({ text }) => text);

test("a room in order", async () => {
  const { status, findings } = await check();
  assert.deepEqual(wrong(findings), []);
  assert.equal(status, 0);
  assert.match(findings[0]?.text ?? "", /^4 of 4 PCs hear all of it/);
  // A busy server sends slower than it should, and tells the rate at which it sent.
  const whole = /^the room hears (\d+) Mbit\/s whole: each 10 GB/.exec(findings[1]?.text ?? "");
  const mbps = Number(whole?.[1]);
  assert(mbps >= 90 && mbps <= 200, `${findings[1]?.text}`);
});

test("packets lost on the way, a rate that a port does not carry, multicast that is blocked", async () => {
  // 100 Mbit/s: what is above is dropped by the port's own short queue.
  const rate = ["tbf", "rate", "100mbit", "burst", "32kb", "limit", "256kb"];
  await wire("tc", "qdisc", "add", "dev", "host2", "root", ...rate);
  await dropMulticast(host(0), "numgen", "random", "mod", "100", "<", "15");
  await dropMulticast(host(2));
  const { status, findings } = await check();
  assert.equal(status, 1);
  const said = wrong(findings);
  assert.equal(said.length, 3, said.join("\n"));
  const one = said.find((text) => text.startsWith("host1")) ?? "";
  const lost = Number(/^host1: ([\d.]+) % lost at \d\d Mbit\/s$/.exec(one)?.[1]);
  // The firewall drops what the kernel has put together of several packets.
  assert(lost > 5 && lost < 35, one);
  const two = said.find((text) => text.startsWith("host2")) ?? "";
  const tooFast = /^host2: [\d.]+ % lost at (\d+) Mbit\/s, none at \d\d Mbit\/s$/.exec(two);
  assert(Number(tooFast?.[1]) > 100 && Number(tooFast?.[1]) <= 200, two);
  assert(said.includes("host3: no multicast reaches it"), said.join("\n"));
  assert(findings.some(({ text }) => text.startsWith("1 of 4 PCs hear all")));
});

/** A bridge that snoops as a switch does: it knows members by their reports alone, and nobody asks for those after the first. */
async function snoop(bridge: string): Promise<void> {
  const centiseconds = String(60 * 60 * 100);
  const set = (...words: string[]) => wire("ip", "link", "set", bridge, "type", "bridge", ...words);
  await set("mcast_query_interval", centiseconds, "mcast_startup_query_interval", centiseconds);
  // In hundredths of a second; so long it floods yet, until the answers to its first query are in.
  await set("mcast_startup_query_count", "1", "mcast_query_response_interval", "100");
  await set("mcast_snooping", "1", "mcast_querier", "1");
}

test("snooping without a querier: PCs on a second switch, whose reports the first never hears", async () => {
  await run(["nft", "delete", "table", "ip", "wall"], { namespace: host(2).namespace });
  // A bridge that never heard a querier floods. Its own first query is for its ports, and not for the server.
  const nft = (...rule: string[]) => wire("nft", ...rule);
  await nft("add", "table", "netdev", "wall");
  const hook = "{ type filter hook egress device server0 priority 0; }";
  await nft("add", "chain", "netdev", "wall", "output", hook);
  await nft("add", "rule", "netdev", "wall", "output", "ip", "protocol", "igmp", "drop");
  await wire("ip", "link", "add", "second", "type", "bridge", "stp_state", "0");
  await wire("ip", "link", "set", "second", "up");
  await wire("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1");
  for (const [port, bridge] of [
    ["up0", "br0"],
    ["up1", "second"],
    ["host3", "second"],
    ["host4", "second"],
  ] as const)
    await wire("ip", "link", "set", port, "master", bridge, "up");
  for (const bridge of ["br0", "second"]) await snoop(bridge);
  // Reports go to where a querier was heard: nowhere. Linux floods those of version 3.
  for (const port of ["up0", "up1"])
    await wire("ip", "link", "set", port, "type", "bridge_slave", "mcast_router", "0");
  for (const { namespace } of [host(2), host(3)])
    await run(["sysctl", "-qw", "net.ipv4.conf.eth0.force_igmp_version=2"], { namespace });
  await sleep(2000);
  const deafOf = async () =>
    wrong((await check()).findings).filter((text) => /multicast/.test(text));
  assert.deepEqual(await deafOf(), ["host3, host4: no multicast reaches it"], "so far");
  const { stdout } = await run(["ip", "netns", "pids", room.network.serverNamespace]);
  for (const pid of stdout.trim().split("\n")) process.kill(Number(pid), "SIGUSR2");
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 4,
    60,
  );
  assert.deepEqual(await deafOf(), [
    "host3, host4: no multicast: snooping without a querier on their switch",
  ]);
});

test("refused while nobody is idle", async () => {
  await room.roomcast("room", "create", "empty");
  const { status, stderr } = await room.roomcast("doctor", "--room", "empty");
  assert.equal(status, 4);
  assert.match(stderr, /no PC of room empty is idle/);
});
