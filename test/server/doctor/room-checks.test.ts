import assert from "node:assert/strict";
import { test } from "node:test";
import type { PcView, SessionView } from "../../../core/wire/views.ts";
import {
  bootFindings,
  dhcpFindings,
  linkFindings,
  lossFindings,
  querierFinding,
} from "../../../server/doctor/room-checks.ts";
import { interfaceTowards } from "../../../server/doctor/routes.ts";

const pc = (name: string, speedMbps: number | null, state = "idle") =>
  ({ name, state, nic: { driver: "e1000e", speedMbps } }) as PcView;
const session = (startedAt: string, losses: Record<string, number | null>) =>
  ({
    startedAt,
    members: Object.entries(losses).map(([name, lossRatio]) => ({ pc: name, name, lossRatio })),
  }) as unknown as SessionView;

test("a PC on a slow link is named; one that is off or says nothing is not judged", () => {
  assert.deepEqual(linkFindings([pc("pc1", null)]), []);
  const [good] = linkFindings([pc("pc1", 1000), pc("pc2", 2500), pc("pc3", 100, "offline")]);
  assert.deepEqual([good?.level, good?.text], ["ok", "all 2 PCs have 1000 Mbit/s or more"]);
  const [slow, ...others] = linkFindings([pc("pc1", 1000), pc("pc2", 100)]);
  assert.deepEqual(others, []);
  assert.equal(slow?.text, "pc2 has a link of only 100 Mbit/s");
  assert.match(slow?.mend ?? "", /cable/);
});

test("loss: of each PC's latest session", () => {
  assert.deepEqual(lossFindings([session("2026-01-01", { pc1: null })]), []);
  const sessions = [
    session("2026-01-02", { pc1: 0, pc2: 0.034 }),
    session("2026-01-01", { pc1: 0.5, pc3: 0.002 }),
  ];
  assert.deepEqual(
    lossFindings(sessions).map(({ text }) => text),
    ["pc2 lost 3.4 % of the packets in its last session"],
  );
  assert.equal(lossFindings([session("2026-01-01", { pc1: 0.001 })])[0]?.level, "ok");
});

test("IGMP: no judgement before it was listened for two intervals", () => {
  assert.equal(querierFinding("lab0", null, 30).level, "ok");
  assert.match(querierFinding("lab0", null, 30).text, /4 more min/);
  assert.equal(querierFinding("lab0", null, 300).level, "warning");
  assert.equal(querierFinding("lab0", { address: "10.0.0.2", heardAgo: 12 }, 300).level, "ok");
  assert.equal(
    querierFinding("lab0", { address: "10.0.0.2", heardAgo: 280 }, 900).level,
    "warning",
  );
});

test("DHCP: how it is answered; or each warning", () => {
  const dhcp = { mode: "proxy", why: "auto: …", otherServers: ["10.0.0.9"] } as const;
  const view = { ...dhcp, otherServers: [...dhcp.otherServers] };
  assert.equal(dhcpFindings([view], [])[0]?.text, "proxy, auto: …; other servers: 10.0.0.9");
  assert.deepEqual(
    dhcpFindings([view], ["a rival", "no server"]).map(({ level }) => level),
    ["problem", "problem"],
  );
});

test("the way to an address: the longest prefix, then the lower metric", () => {
  const table = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
    "eth0\t00004D0A\t00000000\t0001\t0\t0\t100\t0000FFFF\t0\t0\t0",
    "lab0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "lab1\t00004D0A\t00000000\t0001\t0\t0\t5\t00FFFFFF\t0\t0\t0",
  ].join("\n");
  assert.equal(interfaceTowards(table, "10.77.0.5"), "lab0");
  assert.equal(interfaceTowards(table, "10.77.9.5"), "eth0");
  assert.equal(interfaceTowards(table, "8.8.8.8"), "eth0");
  assert.equal(interfaceTowards(table.split("\n")[0] ?? "", "8.8.8.8"), null);
});

test("a PC whose network boot does not go on is a warning, and no fault of the server", () => {
  const [finding] = bootFindings(["lab1-a4 (52:54:00:00:00:01) has asked 4 times"]);
  assert.deepEqual([finding?.check, finding?.level], ["network boot", "warning"]);
  assert.deepEqual(bootFindings([]), []);
});
