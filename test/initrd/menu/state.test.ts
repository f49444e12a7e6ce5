import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MenuAction } from "../../../core/agent/desk.ts";
import type { Key } from "../../../core/screen/keys.ts";
import { rowText } from "../../../core/screen/row.ts";
import { eraseWord, exits, home, items, type Page } from "../../../initrd/menu/pages.ts";
import { rows } from "../../../initrd/menu/rows.ts";
import { press, settled } from "../../../initrd/menu/state.ts";
import type { MenuView } from "../../../initrd/menu/view.ts";
import { disk, image, otherDisk, receiving, view } from "./views.ts";

const key = (name: string): Key => ({ name, text: name.length === 1 ? name : "" });

/** Presses keys one after the other; characters of `text` one by one. */
function pressAll(from: Page, keys: readonly string[], shown: MenuView): [Page, MenuAction[]] {
  let page = from;
  const actions: MenuAction[] = [];
  for (const name of keys) {
    const step = press(page, key(name), shown);
    page = step.page;
    if (step.action !== null) actions.push(step.action);
  }
  return [page, actions];
}

const text = (shown: MenuView, page: Page, columns = 80, lines = 25): string =>
  rows(shown, page, { columns, lines }).map(rowText).join("\n");

test("each item is reached by its number, its letter, and arrows", () => {
  const ways = [
    ["1", "w", "wait"],
    ["2", "r", "images"],
    ["3", "c", "capture"],
    ["4", "t", "castName"],
    ["5", "e", "methods"],
    ["6", "n", "check"],
    ["7", "h", "hardware"],
    ["9", "x", "exits"],
  ] as const;
  for (const [number, letter, page] of ways) {
    const byArrows = [...Array.from({ length: Number(number) - 1 }, () => "down"), "enter"];
    for (const keys of [[number], [letter], [letter.toUpperCase()], byArrows]) {
      assert.equal(pressAll(home(), keys, view)[0].name, page, keys.join(" "));
    }
  }
  assert.deepEqual(pressAll(home(), ["s"], view)[1], [{ action: "shell" }]);
});

const exitOf = (letter: string): number => exits.findIndex((exit) => exit.letter === letter);

test("reboot, power off and the local disk are asked about, and only y is yes", () => {
  const ways = { b: "reboot", p: "poweroff", l: "boot-disk" } as const;
  for (const [letter, action] of Object.entries(ways)) {
    const number = String(
      1 +
        Object.keys(ways)
          .sort((one, two) => exitOf(one) - exitOf(two))
          .indexOf(letter),
    );
    for (const keys of [[letter], ["x", letter], ["x", number, "enter"]]) {
      assert.deepEqual(pressAll(home(), [...keys, "y"], view)[1], [{ action }]);
    }
    for (const other of ["n", "enter", "escape", " "]) {
      assert.deepEqual(pressAll(home(), [letter, other], view), [home(), []]);
    }
  }
});

test("no sequence of keys overwrites a disk without the whole word before the last Enter", () => {
  const moves = [
    ["r", "enter"],
    ["e", "1", "enter"],
    ["down"],
    ["1"],
    ["2"],
    ["enter"],
    ["escape"],
    ["backspace"],
    ["C-u"],
  ];
  const words = ["ERASE", "ERAS", "erase", "E", "ERASEE"].map((word) => [...word]);
  const busy = { ...view, disks: [disk, otherDisk] };
  const written = { restore: 0, wipe: 0 };
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...moves, ...words), { maxLength: 30 }), (groups) => {
      let page: Page = home();
      let sinceShown = "";
      // Straight to the page that asks for the word, and then anything.
      for (const name of ["r", "enter", "enter", ...groups.flat()]) {
        const before: Page = page;
        const step = press(page, key(name), busy);
        page = step.page;
        if (step.action?.action === "restore" || step.action?.action === "wipe") {
          written[step.action.action]++;
          assert.ok(before.name === "erase" && name === "enter");
          assert.equal(step.action.disk, `serial:${before.disk.serial}`);
          assert.ok(sinceShown.includes(eraseWord), sinceShown);
        }
        sinceShown = page.name === "erase" ? sinceShown + (name.length === 1 ? name : "") : "";
        if (name === "C-u" || name === "enter") sinceShown = "";
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(Object.values(written).every(Boolean), "a word was never typed: this tests nothing");
});

const windows = {
  ...{
    index: 3,
    type: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
    fs: "ntfs",
    label: null,
    uuid: null,
  },
  ...{ start: 1 << 20, size: 1 << 30, usedBytes: 1 << 20, mode: "used" as const },
};

test("an image for another sector size is refused before any word is asked for", () => {
  const [page, actions] = pressAll(home(), ["r", "enter"], {
    ...view,
    disks: [{ ...disk, logicalSector: 4096 }],
    images: [{ ...image, partitions: [windows] }],
  });
  assert.deepEqual(actions, [{ action: "images" }]);
  assert.match(text(view, page), /sectors of 512 bytes, \/dev\/sda of 4096: partition 3 \(ntfs\)/);
});

test("an image whose file systems may fit other sectors is offered: the agent looks into it", () => {
  const [page] = pressAll(home(), ["r", "enter"], {
    ...view,
    disks: [{ ...disk, logicalSector: 4096 }],
    images: [{ ...image, partitions: [{ ...windows, fs: "ext4" }] }],
  });
  assert.equal(page.name, "erase");
});

/** How the large letters of the first page are drawn. */
const styleOfWord = (shown: MenuView): string | undefined =>
  rows(shown, home(), { columns: 80, lines: 24 })
    .flat()
    .find(({ style }) => style?.startsWith("block"))?.style;

test("a disk that a restore left half written is no READY", () => {
  const half = { ...view, isHalfWritten: true, troubles: ["/dev/sda DOES NOT START: restore it."] };
  assert.equal(styleOfWord(half), "blockBad");
  assert.match(text(half, home()), /DOES NOT START/);
});

test("a server that refuses this PC is shown with its reason, and no cable is blamed", () => {
  const detail = "another PC has this address";
  const refused = { ...view, server: { ...view.server, state: "refused", detail } } as const;
  const said = text(refused, home()).replace(/\s+/g, " ");
  assert.match(said, /refuses this PC: another PC has this address/);
  assert.doesNotMatch(said, /the cable/);
  assert.equal(styleOfWord(refused), "blockBad");
});

test("why there is no server is said once, and whole", () => {
  const detail =
    "no answer; check the address, the cable and the switch port, and that the server runs";
  const searching = { ...view, server: { ...view.server, state: "searching", detail } } as const;
  const said = text(searching, home()).replace(/\s+/g, " ");
  assert.match(said, /that the server runs\. This PC keeps trying\./);
  assert.doesNotMatch(said, /does not answer/);
});

test("work that needs the server, and has lost it, says so instead of how far it is", () => {
  const lost = { ...view.server, state: "lost", detail: "the connection broke" } as const;
  const task = { ...receiving, isCutOff: true, secondsLeft: null, room: null };
  const said = text({ ...view, server: lost, task }, home());
  assert.match(said, /THE CONNECTION TO THE SERVER IS LOST: the connection broke/);
  assert.doesNotMatch(said, / left/);
});

test("a PC without a disk says so", () => {
  const none = { ...view, disks: [], troubles: ["NO DISK FOUND. Set the mode to AHCI."] };
  assert.match(text(none, home()), /Disk +none[\s\S]*NO DISK FOUND\. Set the mode to AHCI\./);
  assert.equal(styleOfWord(none), "blockBad", "READY in green would be wrong");
  assert.equal(styleOfWord(view), "blockGood");
  const [page] = pressAll(home(), ["c"], none);
  assert.match(text(none, page), /no usable disk/);
});

test("a server of another version is told from one that does not answer", () => {
  const detail = "the server (9.9) speaks protocol 7; restart this PC to get the server's agent";
  const other = { ...view, server: { ...view.server, state: "other-version", detail } } as const;
  const said = text(other, home());
  assert.match(said, /SERVER OF ANOTHER VERSION/);
  assert.match(said, /has another version: the server \(9\.9\)/);
  assert.doesNotMatch(said, /does not answer/);
});

test("a server with another key is named in words, with what to do", () => {
  const pins = ["a", "b"].map((letter) => `sha256:${letter.repeat(43)}=`);
  const detail = `https://10.0.0.1:8443 shows the key ${pins[0]}, and the right one is ${pins[1]}`;
  const other = { ...view, server: { ...view.server, state: "other-key", detail } } as const;
  const said = text(other, home());
  assert.match(said, /NOT THE RIGHT SERVER/);
  assert.match(said, /This server is not the one that this PC was started by\./);
  assert.match(said, /Restart this PC\. If this comes back, [\s\S]*trust show/);
  for (const pin of pins) assert(said.replace(/\s/g, "").includes(pin), pin);
  assert.equal(styleOfWord(other), "blockBad");
});

test("an image's name is checked where it is typed", () => {
  const typing = (name: string): MenuAction[] =>
    pressAll(home(), ["c", ...name, "enter"], view)[1].slice(1);
  assert.deepEqual(typing("win-11.a_b"), [
    { action: "capture", name: "win-11.a_b", disk: "serial:S3Z9NB0K123456X" },
  ]);
  for (const name of ["", "-x", "a b", "a@1"]) assert.deepEqual(typing(name), [], name);
  const [page] = pressAll(home(), ["c", ..."Lab 1", "enter"], view);
  const said = text(view, page).replace(/\s+/g, " ");
  assert.match(said, /"Lab 1" cannot be the name of an image: it has a space; .*: Lab-1, say\./);
});

/** The room has a PIN, and nobody has typed it. */
const locked: MenuView = { ...view, isLocked: true, unlocks: "menu" };

test("a locked menu shows what it shows, and asks for the PIN before all but waiting", () => {
  const letters = [...items, "l", "b", "p", "u"];
  for (const letter of letters.filter((each) => each !== "w")) {
    const [page, actions] = pressAll(home(), [letter], locked);
    assert.deepEqual([page.name, actions], ["pin", []], letter);
  }
  assert.equal(pressAll(home(), ["w"], locked)[0].name, "wait");
  const [page, actions] = pressAll(home(), ["r", ..."2468", "enter"], locked);
  assert.deepEqual(actions, [{ action: "unlock", pin: "2468" }]);
  assert.equal(page.name, "home");
  const [typing] = pressAll(home(), ["r", ..."2468"], locked);
  assert.match(text(locked, typing), /PIN: \*{4}_/);
  assert.ok(!text(locked, typing).includes("2468"));
  // What reads the PC or leads out of it is left when the menu falls shut.
  for (const name of ["hardware", "check"] as const)
    assert.deepEqual(settled({ name }, locked), home());
  assert.deepEqual(settled({ name: "images", chosen: 0 }, locked), home());
});

test("without the PIN an image is named and not listed, and it is asked for after the usual word", () => {
  const erase = [...eraseWord, "enter"];
  const asked = (keys: readonly string[]): MenuAction[] => pressAll(home(), keys, locked)[1];
  assert.deepEqual(asked(["r", "tab", ..."win11-lab@4", "enter", ...erase]), [
    { action: "restore", image: "win11-lab@4", disk: "serial:S3Z9NB0K123456X" },
  ]);
  assert.deepEqual(asked(["e", "tab", "2", "enter", ...erase]), [
    { action: "wipe", method: "zero", disk: "serial:S3Z9NB0K123456X" },
  ]);
  assert.deepEqual(asked(["c", "tab", ..."new", "enter"]), [
    { action: "capture", name: "new", disk: "serial:S3Z9NB0K123456X" },
  ]);
  const cast = ["t", "tab", "enter"];
  assert.deepEqual(asked([...cast, ..."lab-2", "enter"]), [
    { action: "cast", room: "lab-2", saveAs: null, disk: "serial:S3Z9NB0K123456X" },
  ]);
  assert.match(text(locked, pressAll(home(), cast, locked)[0]), /operator is shown which/);
  assert.match(text(locked, pressAll(home(), ["r"], locked)[0]), /Tab: ask an operator instead/);
  // The shell, the ways out and the network check need the PIN.
  for (const letter of ["s", "n", "h", "x", "b"]) {
    const [page] = pressAll(home(), [letter, "tab"], locked);
    assert.deepEqual([page.name, asked([letter, "tab"])], ["pin", []], letter);
  }
});

test("what waits for an operator has the screen, and Esc alone withdraws it", () => {
  const waiting = { ...view, waiting: "restore win11-lab@4 to its disk sda" };
  const shown = text(waiting, home());
  assert.match(shown, /Waiting for the server's operator to say yes/);
  assert.match(shown, /restore win11-lab@4 to its disk sda/);
  for (const name of ["r", "enter", "w", "b", "y"])
    assert.deepEqual(pressAll(home(), [name], waiting)[1], [], name);
  assert.deepEqual(pressAll(home(), ["escape"], waiting)[1], [{ action: "withdraw" }]);
  assert.doesNotMatch(text({ ...waiting, task: receiving }, home()), /operator/);
});

test("the instructor's PIN can be typed at a menu that is open already", () => {
  const open: MenuView = { ...view, unlocks: "instructor" };
  assert.match(text(open, home()), /U: instructor's PIN/);
  const [, actions] = pressAll(home(), ["u", ..."97531", "enter"], open);
  assert.deepEqual(actions, [{ action: "unlock", pin: "97531" }]);
  assert.equal(pressAll(home(), ["u"], view)[0].name, "home");
});

test("a task on a locked PC is stopped after the PIN, or without it where no server can check one", () => {
  const busy = { ...locked, task: receiving };
  const [page, actions] = pressAll(home(), ["s", "y"], busy);
  assert.deepEqual([page.name, actions], ["pin", []]);
  assert.match(text(busy, page), /RECEIVING|PIN:/);
  const open: MenuView = { ...busy, isLocked: false, unlocks: null };
  assert.deepEqual(pressAll(page, ["s", "y"], open)[1], [{ action: "stop" }]);
  const server = { ...view.server, state: "lost" } as const;
  const alone: MenuView = { ...busy, server, unlocks: null };
  assert.deepEqual(pressAll(home(), ["s", "y"], alone)[1], [{ action: "stop" }]);
  const [shut] = pressAll(home(), ["r"], { ...alone, task: null });
  assert.match(text({ ...alone, task: null }, shut), /locked until the server is back/);
});

test("a PC that nobody has placed shows its code in large letters, also while it waits for the room", () => {
  const waiting: MenuView = { ...view, level: "waiting", code: "004711" };
  for (const page of [home(), pressAll(home(), ["w"], waiting)[0]]) {
    const said = text(waiting, page);
    assert.match(said, /004 711: waiting: nobody has placed this PC yet/);
    // The seven rows of two noughts, a four, and the gap between the threes.
    assert.match(said, /#{3}.*#{3}.*# .*\n/);
  }
  assert.equal(styleOfWord(waiting), "blockWarn");
  const placed: MenuView = { ...waiting, level: "unproven" };
  assert.doesNotMatch(text(placed, home()), /004 711/);
  assert.match(text(placed, home()), /Key +unproven: placed, with a key that is new at each start/);
  assert.equal(styleOfWord(placed), "blockGood");
});

test("in a seat walk a new PC shows the seat that Enter takes, and its code beside it", () => {
  const walk = { room: "lab-2", next: "A7" };
  const place = { seat: null, shell: false, pin: null, walk };
  const said = text({ ...view, level: "waiting", code: "004711", place }, home());
  assert.match(said, /takes seat A7 of lab-2/);
  assert.match(said, /Key +004 711/);
});

test("while the TPM works, the screen says so", () => {
  const proving = { ...view.server, state: "proving", detail: null } as const;
  const said = text({ ...view, server: proving }, home());
  assert.match(said, /PROVING ITS KEY/);
  assert.match(said, /this PC is proving its key/);
});

test("in a seat walk the seat is in large letters, and Enter takes it, PIN or not", () => {
  const walk = { room: "lab-2", next: "A7" };
  const place = { seat: null, shell: true, walk };
  const offered = { ...view, place, isLocked: true };
  assert.match(text(offered, home()), /#{5}.*\n.*Enter: take the seat/s);
  assert.deepEqual(pressAll(home(), ["enter"], offered)[1], [{ action: "take-seat" }]);
  const seated = { ...view, place: { ...place, seat: "A6" } };
  assert.deepEqual(pressAll(home(), ["enter"], seated)[1], []);
});

test("the disk is erased by the method that was chosen, after the word", () => {
  for (const [number, method] of [
    ["1", "discard"],
    ["2", "zero"],
  ] as const) {
    const keys = ["e", number, "enter", ...eraseWord, "enter"];
    const [page, actions] = pressAll(home(), keys, view);
    assert.deepEqual(actions, [{ action: "wipe", method, disk: "serial:S3Z9NB0K123456X" }]);
    assert.match(text(view, page), /asked the server to erase the disk/);
  }
  const [page] = pressAll(home(), ["e", "1", "enter"], view);
  for (const part of ["WILL BE LOST", "S3Z9NB0K123456X", "500.1 GB", "Samsung SSD 860 EVO"]) {
    assert.ok(text(view, page).includes(part), part);
  }
});

test("a secure erase is offered where a disk has it, and for no other disk", () => {
  const [disk] = view.disks;
  assert(disk !== undefined);
  assert.doesNotMatch(text(view, pressAll(home(), ["e"], view)[0]), /Secure erase/);
  const itself = { ...disk, path: "/dev/nvme0n1", secureErase: true };
  const both = { ...view, disks: [itself, { ...disk, secureErase: false }] };
  assert.match(text(both, pressAll(home(), ["e"], both)[0]), /3 +Secure erase/);
  const keys = (number: string) => ["e", "3", "enter", number, "enter", ...eraseWord, "enter"];
  const [, actions] = pressAll(home(), keys("1"), both);
  assert.deepEqual(actions, [{ action: "wipe", method: "secure-erase", disk: "/dev/nvme0n1" }]);
  const [page, none] = pressAll(home(), ["e", "3", "enter", "2", "enter"], both);
  assert.deepEqual(none, []);
  assert.match(text(both, page), /has no secure erase/);
});

test("this PC's disk is cast to its room after the room's name was typed, stored if it is named", () => {
  const cast = (...keys: string[]): MenuAction[] =>
    pressAll(home(), ["t", ...keys], view)[1].filter(({ action }) => action === "cast");
  const lab = { action: "cast", room: "lab-2", disk: "serial:S3Z9NB0K123456X" } as const;
  assert.deepEqual(cast("enter", ..."lab-2", "enter"), [{ ...lab, saveAs: null }]);
  assert.deepEqual(cast(..."win11", "enter", ..."lab-2", "enter"), [{ ...lab, saveAs: "win11" }]);
  for (const word of ["", "lab", "LAB-2", "ERASE"])
    assert.deepEqual(cast("enter", ...word, "enter"), []);
  assert.deepEqual(cast(..."Win 11", "enter", ..."lab-2", "enter"), []);
  const [page] = pressAll(home(), ["t", "enter"], view);
  const shown = text(view, page);
  assert.match(shown, /EVERYTHING ON THIS DISK OF ROOM lab-2 WILL BE LOST/);
  assert.match(shown, /pc15 +\/dev\/nvme0n1 {2}1\.0 TB {2}WD Blue SN570 {2}serial 22123X/);
  const word = ["t", "enter", ..."lab-2", "enter"];
  for (const targets of [null, [], view.targets?.slice(0, 1) ?? []]) {
    const actions = pressAll(home(), word, { ...view, targets })[1];
    assert.ok(
      actions.every(({ action }) => action !== "cast"),
      "nothing was shown",
    );
  }
  assert.ok(pressAll(home(), word, view)[1].some(({ action }) => action === "targets"));
  const nowhere = { ...view, pc: { ...view.pc, room: null } };
  assert.match(text(nowhere, pressAll(home(), ["t"], nowhere)[0]), /not placed this PC yet/);
});

test("the network check is asked for, shows its findings in words, and is asked again", () => {
  const findings = [
    { title: "Link", good: true, text: "eth0, 1000 Mbit/s" },
    { title: "Multicast", good: false, text: "nothing arrives" },
    { title: "Server", good: null, text: "being looked at" },
  ];
  const [page, actions] = pressAll(home(), ["n", "r"], view);
  assert.deepEqual(actions, [{ action: "check" }, { action: "check" }]);
  const shown = text({ ...view, check: findings }, page);
  assert.match(shown, /Link +ok +eth0/);
  assert.match(shown, /Multicast +CHECK +nothing arrives/);
  assert.equal(press(page, key("x"), view).page.name, "home");
});

test("the hardware page has what tells this PC and its disks from others", () => {
  const [page] = pressAll(home(), ["h"], view);
  for (const part of [
    "4c4c4544",
    "ABC1234",
    "52:54:00:12:34:56",
    "UEFI",
    "e1000e",
    "S3Z9NB0K123456X",
  ]) {
    assert.ok(text(view, page).includes(part), part);
  }
});

test("a task takes the screen from whatever was open, and a disk that is gone closes its page", () => {
  const erase: Page = {
    name: "erase",
    work: { kind: "restore", reference: "win11-lab@4", image },
    disk,
    value: "ERASE",
    refused: false,
  };
  assert.deepEqual(settled(erase, { ...view, task: receiving }), home());
  assert.match(text({ ...view, disks: [otherDisk] }, erase), /\/dev\/sda was removed/);
  const [, actions] = pressAll(erase, ["enter"], { ...view, disks: [otherDisk] });
  assert.deepEqual(actions, [{ action: "images" }].slice(1));
});

test("a running task is stopped after a question, an ended one dismissed", () => {
  const busy = { ...view, task: receiving };
  for (const name of ["s", "S", "C-c"]) {
    assert.deepEqual(pressAll(home(), [name, "y"], busy)[1], [{ action: "stop" }]);
    assert.deepEqual(pressAll(home(), [name, "n"], busy)[1], []);
  }
  assert.deepEqual(pressAll(home(), ["r", "enter", "7", "y"], busy)[1], []);
  const ended = {
    ...view,
    task: { ...receiving, outcome: { result: "verified", reason: null, next: null } as const },
  };
  assert.deepEqual(pressAll(home(), ["x"], ended)[1], [{ action: "dismiss" }]);
});

test("verified and failed are told apart without colour", () => {
  const ended = (result: "verified" | "failed", reason: string | null): string =>
    text(
      { ...view, task: { ...receiving, phase: "ended", outcome: { result, reason, next: null } } },
      home(),
    );
  const good = ended("verified", null);
  const bad = ended("failed", "write error at 12.4 GB");
  assert.ok(good.includes("=".repeat(80)) && !good.includes("!!"));
  assert.ok(bad.includes("!".repeat(80)) && !bad.includes("=="));
  assert.match(bad, /write error at 12\.4 GB/);
  assert.match(bad, /incomplete: do not give this PC to anybody/);
  assert.match(bad, /What to do: /);
});

test("without a server the screen says what is wrong and what to check", () => {
  const searching = text(
    {
      ...view,
      pc: { ...view.pc, ip: null },
      server: { url: null, state: "searching", detail: "no link on eth0" },
    },
    home(),
  );
  for (const part of ["no link on eth0", "cable", "switch port", "DHCP has not answered"]) {
    assert.ok(searching.includes(part), part);
  }
});

test("every screen has its size, and the menu is whole from 80x24 on, whatever there is to say", () => {
  const long = "word ".repeat(200);
  const servers: MenuView["server"][] = [
    view.server,
    { url: "http://10.0.0.1:8080", state: "lost", detail: long },
    { url: null, state: "searching", detail: long },
  ];
  const disks = Array.from({ length: 12 }, (_, index) => ({ ...disk, path: `/dev/sd${index}` }));
  const sizes = [
    [80, 24],
    [80, 25],
    [132, 43],
    [200, 50],
    [40, 10],
  ] as const;
  for (const [columns, lines] of sizes) {
    for (const server of servers) {
      for (const notice of [null, long]) {
        const shown = { ...view, server, notice, disks };
        const picture = rows(shown, home(), { columns, lines });
        assert.equal(picture.length, lines);
        assert.ok(picture.every((row) => rowText(row).length <= columns));
        if (lines >= 24) assert.ok(picture.some((row) => rowText(row).includes("power off")));
        const task = rows({ ...shown, task: receiving }, home(), { columns, lines });
        assert.equal(task.length, lines);
        if (lines >= 24) assert.ok(task.some((row) => rowText(row).includes("3 of 28 verified")));
      }
    }
  }
});
