import assert from "node:assert/strict";
import { test } from "node:test";
import {
  atDesk,
  type Desk,
  type DeskEvent,
  type DeskRequest,
  emptyDesk,
  isLocked,
  type MenuAction,
  unlocks,
} from "../../../core/agent/desk.ts";
import type { MenuState } from "../../../core/wire/trust.ts";

const menu = (more: Partial<MenuState> = {}): DeskEvent => ({
  type: "menu",
  menu: { type: "menu", pins: { menu: true, instructor: false }, right: null, ...more },
});
const welcome: DeskEvent = { type: "welcome", name: "pc1", room: "lab" };
const open = menu({ right: "menu" });

class Bench {
  desk: Desk = emptyDesk;

  constructor(...events: readonly DeskEvent[]) {
    for (const event of events) this.take(event);
  }

  take(event: DeskEvent): readonly DeskRequest[] {
    const [desk, requests] = atDesk(this.desk, event);
    this.desk = desk;
    return requests;
  }

  choose(chosen: MenuAction): readonly DeskRequest[] {
    return this.take({ type: "chose", chosen });
  }

  get isLocked(): boolean {
    return isLocked(this.desk);
  }
}

const everything: readonly MenuAction[] = [
  { action: "images" },
  { action: "targets", room: "lab" },
  { action: "restore", image: "base@1", disk: "/dev/sda" },
  { action: "capture", name: "new", disk: "/dev/sda" },
  { action: "cast", room: "lab", saveAs: null, disk: "/dev/sda" },
  { action: "wipe", method: "zero", disk: "/dev/sda" },
  { action: "check" },
  { action: "stop" },
  { action: "dismiss" },
  { action: "unlock", pin: "1234" },
  { action: "take-seat" },
  { action: "withdraw" },
  { action: "shell" },
  { action: "reboot" },
  { action: "poweroff" },
  { action: "boot-disk" },
];

test("each choice leads to one request; what goes to the server is what was chosen", () => {
  const asked = everything.map((chosen) => {
    const requests = new Bench(welcome, open).choose(chosen);
    assert.equal(requests.length, 1, chosen.action);
    const [request] = requests;
    if (request?.type === "ask") assert.equal(request.want, chosen);
    return request?.type;
  });
  assert.deepEqual(asked, [
    "fetch-images",
    "fetch-targets",
    ...Array(4).fill("ask"),
    "check",
    "stop",
    "dismiss",
    "unlock",
    "ask",
    "ask",
    "open-shell",
    ...Array(3).fill("power"),
  ]);
});

const letThrough = (...events: readonly DeskEvent[]): MenuAction["action"][] =>
  everything
    .filter((chosen) => {
      const bench = new Bench(...events);
      const requests = bench.choose(chosen);
      if (requests.length === 0) assert.match(bench.desk.notice ?? "", /locked/);
      return requests.length > 0;
    })
    .map(({ action }) => action);

test("a locked PC asks for what the server decides, and does nothing by itself", () => {
  const asked = [
    "restore",
    "capture",
    "cast",
    "wipe",
    "dismiss",
    "unlock",
    "take-seat",
    "withdraw",
  ];
  assert.deepEqual(letThrough(welcome, menu()), asked);
  const withStop = asked.toSpliced(4, 0, "stop");
  assert.deepEqual(
    letThrough(welcome, menu(), { type: "down" }),
    withStop,
    "no PIN can be checked",
  );
});

test("the menu and the shell go by the server's word, and are shut without a server where there is a PIN", () => {
  const bench = new Bench(welcome);
  assert.deepEqual(bench.take(menu()), [{ type: "lock-shell", isLocked: true }]);
  assert.deepEqual(bench.take(open), [{ type: "lock-shell", isLocked: false }]);
  assert.deepEqual(bench.take(open), [], "the same again changes nothing");
  assert.deepEqual(bench.take({ type: "down" }), [{ type: "lock-shell", isLocked: true }]);
  assert(bench.isLocked);
  assert.equal(unlocks(bench.desk), null, "nobody is there to check a PIN");
  const none = { menu: false, instructor: false };
  assert.deepEqual(bench.take(menu({ pins: none })), [{ type: "lock-shell", isLocked: false }]);
  assert.deepEqual(bench.take({ type: "down" }), []);
});

test("before the server has said anything there is a menu, and no shell", () => {
  const bench = new Bench();
  assert(!bench.isLocked);
  assert.equal(bench.choose({ action: "check" }).length, 1);
  assert.deepEqual(bench.choose({ action: "shell" }), []);
  assert.match(bench.desk.notice ?? "", /not said yet/);
});

test("the PIN that would allow more is offered", () => {
  const both = { menu: true, instructor: true };
  const offered = (more: Partial<MenuState>) => unlocks(new Bench(welcome, menu(more)).desk);
  assert.equal(offered({ pins: both }), "menu");
  assert.equal(offered({ pins: both, right: "menu" }), "instructor");
  assert.equal(offered({ pins: both, right: "instructor" }), null);
  assert.equal(offered({ pins: { menu: false, instructor: true } }), "instructor");
  assert.equal(offered({ right: "menu" }), null);
});

test("one network check at a time, from nothing", () => {
  const bench = new Bench();
  assert.equal(bench.choose({ action: "check" }).length, 1);
  bench.take({ type: "findings", findings: [{ title: "Link", good: true, text: "eth0" }] });
  assert.deepEqual(bench.choose({ action: "check" }), []);
  assert.equal(bench.desk.findings?.length, 1);
  bench.take({ type: "checked", trouble: "it broke" });
  assert.equal(bench.desk.notice, "it broke");
  assert.equal(bench.choose({ action: "check" }).length, 1);
  assert.equal(bench.desk.findings, null);
});
