import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { OtherServer } from "../../../../core/boot/dhcp-watch.ts";
import { parseMac } from "../../../../core/units/mac.ts";
import { BootLog } from "../../../../server/gate/boot/boot-log.ts";
import { troubleLines, usualLines } from "../../../../server/lab/rare-line.ts";

test("whatever is asked for without end: so many lines a minute, and the next says how many more there were", () => {
  let time = 0;
  const lines: string[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line: string) => void lines.push(line) },
  );
  const told = new BootLog(log, () => time);
  const mac = parseMac("52:54:00:00:00:01");
  assert(mac !== undefined);
  const file = { client: "10.0.0.1", file: "x", bytes: 0, reason: "no such file" };
  const lease = { mac, xid: 1, address: "10.0.0.9", text: "offered 10.0.0.9", loads: null };
  const server: OtherServer = {
    ...{ address: "10.0.0.5", givesAddresses: true, namesBootFile: true, bootsFrom: "10.0.0.9" },
    ...{ feignsPxe: false, isInOurName: false },
  };
  const calls: [most: number, call: () => void, line: RegExp][] = [
    [troubleLines, () => told.tftp({ ...file, outcome: "refused" }), /TFTP: refused/],
    [troubleLines, () => told.tftp({ ...file, outcome: "given-up" }), /TFTP: given-up/],
    [usualLines, () => told.tftp({ ...file, outcome: "sent" }), /TFTP: sent/],
    [troubleLines, () => told.failed(new Error("bad port")), /boot service/],
    [usualLines, () => void told.dhcp({ ...lease, kind: "offered" }, "lab0"), /DHCP: offered/],
    [usualLines, () => void told.dhcp({ ...lease, kind: "ignored" }, "lab0"), /DHCP: offered/],
    [
      5,
      () => void told.otherServer({ kind: "appeared", server }, "lab0"),
      /10\.0\.0\.5 .*appeared/,
    ],
    [
      5,
      () => void told.otherServer({ kind: "gone", server }, "lab0"),
      /10\.0\.0\.5 on lab0 does not/,
    ],
    [1, () => void told.dhcp({ ...lease, kind: "declined" }, "lab0"), /DHCP: offered/],
    [1, () => void told.dhcp({ ...lease, kind: "doubted" }, "lab0"), /DHCP: offered/],
    [1, () => void told.dhcp({ ...lease, kind: "occupied" }, "lab0"), /DHCP: offered/],
  ];
  for (const [most, call, expected] of calls) {
    lines.length = 0;
    for (let times = 0; times < 1000; times++) call();
    assert.equal(lines.length, most, String(expected));
    assert(lines.every((line) => expected.test(line)));
  }
  time = 60_000;
  for (const [most, call, expected] of calls) {
    lines.length = 0;
    call();
    assert.match(String(lines), expected);
    assert.match(String(lines), new RegExp(`and ${1000 - most} more like it`));
  }
});

test("what is wrong with other DHCP servers without end: few lines for the history, and later how many there were", () => {
  let time = 0;
  const told = new BootLog(pino({ level: "silent" }), () => time);
  const notes = Array.from({ length: 1000 }, (_, index) =>
    told.otherServerTrouble(`they may start from 10.0.${index >> 8}.${index & 255}`),
  ).filter((text) => text !== null);
  assert.equal(notes.length, 5);
  time = 60_000;
  assert.equal(
    told.otherServerTrouble("they may start from it"),
    "they may start from it (and 995 more like it since the last such line)",
  );
});
