import assert from "node:assert/strict";
import { test } from "node:test";
import { BootCourses } from "../../../../core/boot/boot-course.ts";
import type { DhcpFact } from "../../../../core/boot/dhcp-action.ts";
import { type MacAddress, parseMac } from "../../../../core/units/mac.ts";
import { BootWatch } from "../../../../server/gate/boot/boot-watch.ts";

const macOf = (index: number) => parseMac(`02000000000${index}`) as MacAddress;
const factOf = (
  kind: DhcpFact["kind"],
  index: number,
  address: string | null = null,
): DhcpFact => ({
  ...{ kind, mac: macOf(index), xid: 1, address, text: "it is a toaster", loads: null },
});

test("PCs that do not go on are told once, five of them by name; it is told, too, when they do", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const told: string[] = [];
  const noted: string[] = [];
  let changes = 0;
  const courses = new BootCourses("server");
  using watch = new BootWatch({
    courses,
    address: "10.0.0.1",
    trouble: (mac, text) => told.push(`${mac} ${text}`),
    nameOf: (mac) => `pc${mac.slice(-1)}`,
    note: (text) => noted.push(text),
    changed: () => changes++,
    onError: (error) => assert.fail(error),
  });
  for (let index = 1; index <= 7; index++) watch.answered(factOf("unsupported", index));
  watch.answered(factOf("relayed", 8, "10.9.0.1"));
  assert.equal(told.length, 0);
  t.mock.timers.tick(2000);
  t.mock.timers.tick(2000);
  assert.equal(told.length, 7);
  assert.equal(changes, 1);
  assert.deepEqual(watch.pcTexts.slice(4), [
    "pc5 cannot boot from here: it is a toaster",
    "2 more PCs do not get on with their network boot",
  ]);
  assert.match(watch.networkTexts.join(), /relay 10\.9\.0\.1/);
  watch.answered(factOf("elsewhere", 1, "10.0.0.9"));
  t.mock.timers.tick(2000);
  assert.deepEqual(told.slice(7), [`${macOf(1)} null`]);
  assert.equal(changes, 2);
  watch.answered(factOf("relayed", 8, "10.9.0.2"));
  t.mock.timers.tick(2000);
  assert.match(watch.networkTexts.join(), /relays 10\.9\.0\.1, 10\.9\.0\.2/);
  assert.equal(noted.length, 1, "relays that are invented do not fill the history");
  for (let index = 1; index <= 6; index++) {
    watch.answered(factOf("declined", index, `10.0.0.5${index}`));
    t.mock.timers.tick(2000);
  }
  assert.match(watch.networkTexts.at(-1) ?? "", /^6 addresses that 10\.0\.0\.1 gave were declined/);
  assert.match(noted.join("\n"), /relay.*\n4 addresses that \S+ gave were declined .* by 4 MACs/);
  assert.equal(noted.length, 2);
});

test("a host that answers for whatever is asked is one line of the history, and a warning that follows it", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const noted: string[] = [];
  using watch = new BootWatch({
    courses: new BootCourses("server"),
    address: "10.0.0.1",
    trouble: () => {},
    nameOf: (mac) => mac,
    note: (text) => noted.push(text),
    changed: () => {},
    onError: (error) => assert.fail(error),
  });
  for (let host = 1; host <= 3; host++) {
    watch.answered({ ...factOf("doubted", host, `10.0.0.5${host}`), owner: macOf(9) });
    t.mock.timers.tick(2000);
  }
  assert.match(watch.networkTexts.join(), /^the MAC 02:00:00:00:00:09 answers ARP for 3 addresses/);
  assert.match(noted.join("\n"), /^the MAC 02:00:00:00:00:09 answers ARP for 1 addresses/);
  assert.equal(noted.length, 1);
  watch.answered({ ...factOf("in-use", 4, "10.0.0.54"), owner: macOf(8) });
  watch.answered(factOf("occupied", 4));
  t.mock.timers.tick(2000);
  assert.equal(watch.networkTexts.length, 2);
  assert.match(noted[1] ?? "", /^no address was left for a PC/);
});

test("what it has told it takes back when it ends", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const told = new Map<MacAddress, string | null>();
  const watch = new BootWatch({
    courses: new BootCourses("server"),
    address: "10.0.0.1",
    trouble: (mac, text) => told.set(mac, text),
    nameOf: (mac) => mac,
    note: () => {},
    changed: () => {},
    onError: (error) => assert.fail(error),
  });
  for (const index of [1, 2]) watch.answered(factOf("unsupported", index));
  t.mock.timers.tick(2000);
  assert.match([...told.values()].join(), /toaster.*toaster/);
  watch[Symbol.dispose]();
  assert.deepEqual([...told.values()], [null, null]);
});
