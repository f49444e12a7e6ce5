/** `doctor --room`: real agents, each with a fault that was made on its wire. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
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
  assert.match(findings[1]?.text ?? "", /^the room hears 200 Mbit\/s whole: each 10 GB/);
});

test("packets lost on the way, a rate that a port does not carry, multicast that is blocked", async () => {
  // 100 Mbit/s: what is above is dropped by the port's own short queue.
  const rate = ["tbf", "rate", "100mbit", "burst", "32kb", "limit", "64kb"];
  await wire("tc", "qdisc", "add", "dev", "host2", "root", ...rate);
  await dropMulticast(host(0), "numgen", "random", "mod", "100", "<", "15");
  await dropMulticast(host(2));
  const { status, findings } = await check();
  assert.equal(status, 1);
  const said = wrong(findings);
  assert.equal(said.length, 3, said.join("\n"));
  const one = said.find((text) => text.startsWith("host1")) ?? "";
  const lost = Number(/^host1: ([\d.]+) % lost at 50 Mbit\/s$/.exec(one)?.[1]);
  // The firewall drops what the kernel has put together of several packets.
  assert(lost > 5 && lost < 35, one);
  assert.match(
    said.find((text) => text.startsWith("host2")) ?? "",
    /^host2: \d\d % lost at 200 Mbit\/s, none at 50 Mbit\/s$/,
  );
  assert(said.includes("host3: no multicast reaches it"), said.join("\n"));
  assert(findings.some(({ text }) => text.startsWith("1 of 4 PCs hear all")));
});

test("refused while nobody is idle", async () => {
  await room.roomcast("room", "create", "empty");
  const { status, stderr } = await room.roomcast("doctor", "--room", "empty");
  assert.equal(status, 4);
  assert.match(stderr, /no PC of room empty is idle/);
});
