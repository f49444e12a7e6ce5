/**
 * `make demo`: a virtual room from power-on to verified clones. A master PC and three others boot
 * from the network; the master's disk is captured and restored to the three by multicast; their disks
 * are compared with the master's from outside; two of them then boot by themselves.
 */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import { progressLine, resultTable, sentence } from "../../core/screen/report.ts";
import type { ImageView, SessionView } from "../../core/wire/views.ts";
import { compareDisks, freeExtents } from "./compare.ts";
import { loginPrompt } from "./debian.ts";
import { repository } from "./lab.ts";
import { masterDisk } from "./master.ts";
import type { Pc } from "./pc.ts";
import { isSameDisk, openRoom, type Room, type RoomPc, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";
import { Steps } from "./steps.ts";

/** Three times what a quiet machine with two cores and no KVM takes. */
const limitMs = { boot: 600_000, ownBoot: 400_000 };

const screens = join(roomFolder, "screens");
const steps = new Steps((line) => console.log(line));

process.exitCode = await demo().catch((error: unknown) => {
  if (!(error instanceof RoomcastError)) throw error;
  console.error(`\ndemo: ${error.message}; ${error.next}`);
  return 1;
});

async function demo(): Promise<number> {
  await steps.step("boot image", async () => {
    await run([process.execPath, "initrd/build/main.ts"], {
      cwd: repository,
      onLine: (line) => steps.say(`  ${line}`),
    });
  });
  const masterImage = await steps.step("master disk (a small Debian 12)", () =>
    masterDisk(roomFolder, (text) => steps.say(`  ${text}`)),
  );
  await rm(screens, { recursive: true, force: true });
  await mkdir(screens, { recursive: true });
  const room = await openRoom();
  let isDone = false;
  try {
    const status = await runRoom(room, masterImage);
    isDone = status === 0;
    return status;
  } finally {
    await room.close(!isDone);
    const kept = isDone ? "" : `; the logs are in ${relative(repository, room.folder)}`;
    steps.say(`the room is taken down${kept}`);
  }
}

async function runRoom(room: Room, masterImage: string): Promise<number> {
  steps.say(`the server is up: ${room.lab.gateUrl}, in a network namespace of its own`);
  const blank = { fill: 0 };
  const specs: RoomPc[] = [
    {
      name: "master",
      number: 1,
      firmware: "bios",
      bus: "nvme",
      nic: "e1000e",
      content: { copyOf: masterImage },
    },
    { name: "lab1", number: 2, firmware: "bios", bus: "nvme", nic: "virtio", content: blank },
    { name: "lab2", number: 3, firmware: "bios", bus: "ahci", nic: "e1000e", content: blank },
    { name: "lab3", number: 4, firmware: "uefi", bus: "nvme", nic: "virtio", content: blank },
  ];
  const pcs = await steps.step("power-on to registered, 4 PCs by PXE", () => bootAll(room, specs));
  const [master, ...clones] = pcs as [Pc, ...Pc[]];
  await steps.step("names and rooms", () => placePcs(room, master, clones));
  await master.screen(join(screens, "idle.png"));

  const image = await steps.step("capture of the master", () => capture(room));
  const session = await steps.step("restore to 3 PCs by multicast", () => restore(room, clones));
  for (const line of resultTable(session)) console.log(`  ${line}`);
  steps.say(sentence(session));

  const faults = await steps.step("disks compared from outside", () =>
    compareAll(masterImage, master, clones),
  );
  // The master's kernel has no driver for the disk of lab2.
  const ownBoots = clones.filter(({ name }) => name !== "lab2");
  const own = await steps.step("once more, as themselves, and up from their own disks", () =>
    becomeThemselves(room, ownBoots),
  );

  console.log(`\nResult`);
  console.log(`  image       ${image.name}@${image.version}, ${mibText(image.usedBytes)} used,`);
  console.log(`              ${mibText(image.storedBytes)} stored, ${image.chunks} chunks`);
  console.log(
    `  on the wire ${mibText(session.bytesSent)}, of which repairs ${mibText(session.repairBytes)}`,
  );
  console.log(`  session     ${sentence(session)}`);
  for (const clone of clones) {
    const wrong = faults.get(clone.name) ?? [];
    const member = session.members.find(({ name }) => name === clone.name);
    const outcome = wrong.length === 0 ? "disk equals the master's" : wrong.join("; ");
    const boot = own.members.find(({ name }) => name === clone.name)?.boot;
    const booted = boot?.state === "up" ? `, came up as ${boot.name}, ${boot.system}` : "";
    console.log(`  ${clone.name} ${clone.firmware}    ${member?.result}, ${outcome}${booted}`);
  }
  console.log(`\nTimes`);
  for (const line of steps.table()) console.log(line);
  console.log(`\nScreens are in ${relative(repository, screens)}.`);
  const isRight = [...faults.values()].every((each) => each.length === 0);
  const members = [...session.members, ...own.members];
  const areUp = own.members.every(({ boot }) => boot?.state === "up");
  return isRight && areUp && members.every(({ result }) => result === "verified") ? 0 : 1;
}

async function bootAll(room: Room, specs: readonly RoomPc[]): Promise<Pc[]> {
  const pcs: Pc[] = [];
  for (const spec of specs) {
    pcs.push(await room.start(spec));
    steps.say(`  ${spec.name} is on (${spec.firmware}, ${spec.nic}, ${spec.bus})`);
  }
  await Promise.all(
    pcs.map(async (pc) => {
      await pc.waitForSerial(/roomcast: registered as/, limitMs.boot);
      steps.say(`  ${pc.name} has registered`);
    }),
  );
  await room.lab.waitForPcs(
    pcs.map(({ mac }) => mac),
    ["idle"],
    30_000,
  );
  return pcs;
}

async function placePcs(room: Room, master: Pc, clones: readonly Pc[]): Promise<void> {
  await room.lab.command("room", "create", "demo");
  await room.lab.command("pc", "set", master.mac, "--name", master.name);
  for (const { mac, name } of clones) {
    await room.lab.command("pc", "set", mac, "--name", name, "--room", "demo");
  }
}

async function capture(room: Room): Promise<ImageView> {
  const say = progressSayer();
  const { status, stderr } = await room.lab.watch(["capture", "master", "demo", "--wait"], say);
  if (status !== 0) throw failed("the capture", stderr, room);
  return room.lab.command<ImageView>("image", "show", "demo");
}

async function restore(room: Room, clones: readonly Pc[]): Promise<SessionView> {
  const say = progressSayer();
  const [first] = clones as [Pc, ...Pc[]];
  let pictured: Promise<void> | undefined;
  const words = ["restore", "demo", "--room", "demo", "--personalise", "none", "--wait"];
  const { value, stderr } = await room.lab.watch(words, (session) => {
    say(session);
    const written = session.members.find(({ name }) => name === first.name);
    if (pictured === undefined && written !== undefined && isHalfway(written)) {
      pictured = first.screen(join(screens, "receiving.png"));
    }
  });
  await pictured;
  if (value?.members === undefined) throw failed("the restore", stderr, room);
  // The PCs hear of the room's end a moment after its result.
  await sleep(3000);
  for (const clone of clones) await clone.screen(join(screens, `verified-${clone.name}.png`));
  return value;
}

function isHalfway(member: SessionView["members"][number]): boolean {
  return member.bytesWanted !== null && member.bytesReceived * 2 > member.bytesWanted;
}

async function compareAll(
  masterImage: string,
  master: Pc,
  clones: readonly Pc[],
): Promise<Map<string, readonly string[]>> {
  const faults = new Map<string, readonly string[]>();
  const untouched = await isSameDisk(masterImage, master.disk);
  faults.set("master", untouched ? [] : ["the capture has changed the master's disk"]);
  const free = await freeExtents(masterImage);
  for (const clone of clones) {
    const disks = { master: masterImage, clone: clone.disk };
    const comparison = await compareDisks(disks, free, 0);
    faults.set(clone.name, comparison.faults);
    const outcome = comparison.faults.length === 0 ? "equal" : comparison.faults.join("; ");
    steps.say(`  ${clone.name}: ${mibText(comparison.usedBytes)} in use: ${outcome}`);
  }
  return faults;
}

/** Nothing differs but what is each PC's own: its name, its identity and its keys. */
async function becomeThemselves(room: Room, clones: readonly Pc[]): Promise<SessionView> {
  const said = clones.map((clone) => clone.serial().length);
  const targets = clones.flatMap(({ name }) => ["--pc", name]);
  const words = ["restore", "demo", ...targets, "--delta", "--then", "boot-disk", "--wait"];
  const { value, stderr } = await room.lab.watch(words, progressSayer());
  if (value?.members === undefined) throw failed("the second restore", stderr, room);
  steps.say(sentence(value));
  await Promise.all(
    clones.map(async (clone, index) => {
      await clone.waitForSerial(loginPrompt(clone.name), limitMs.ownBoot, said[index]);
      await clone.screen(join(screens, `login-${clone.firmware}.png`));
      steps.say(`  ${clone.name} (${clone.firmware}) is at its login prompt`);
    }),
  );
  return value;
}

/** A progress line every few seconds, as long as it changes. */
function progressSayer(): (session: SessionView) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let last = "";
  return (session) => {
    const line = progressLine(session);
    if (line === last || performance.now() - saidAt < 5000) return;
    saidAt = performance.now();
    last = line;
    steps.say(`  ${line}`);
  };
}

function failed(what: string, stderr: string, room: Room): RoomcastError {
  const words = stderr.trim() === "" ? "without a word" : stderr.trim();
  const log = existsSync(room.lab.log) ? room.lab.log : room.folder;
  return new RoomcastError("failed", `${what} did not work: ${words}`, `read ${log}`);
}

function mibText(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
