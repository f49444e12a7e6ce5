/**
 * Two clones of one image beside each other, as themselves: `make test-personal`. Each comes up by its own
 * name, with its own lease and host keys, and by the same ones after a second and a third restore. The first
 * goes by a canary; the certificates of all are checked. Both PCs have proven who they are by their TPM, and
 * so have the keys that the server keeps for them.
 */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { sentence } from "../../core/screen/report.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { loginPrompt } from "./debian.ts";
import { hostKeysAt, macAt } from "./host-keys.ts";
import { repository } from "./lab.ts";
import { masterDisk } from "./master.ts";
import type { Pc } from "./pc.ts";
import { openRoom, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";
import { Steps } from "./steps.ts";

/** Three times what a quiet machine with two cores and no KVM takes. */
const limitMs = { boot: 300_000, ownBoot: 240_000 };
const registered = /roomcast: registered as/;
const restoreLab = ["restore", "lab", "--room", "lab1", "--then", "boot-disk", "--prove-boot"];

const steps = new Steps((line) => console.log(line));
await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
await mkdir(roomFolder, { recursive: true });
const master = await masterDisk(roomFolder, (text) => steps.say(`  ${text}`));
const room = await openRoom();
const { lab } = room;
let isDone = false;
try {
  await lab.command("image", "import", master, "lab");
  const machine = { nic: "virtio", bus: "nvme", tpm: true, content: { fill: 0xa5 } } as const;
  const pcs = [
    await room.start({ name: "lab1-a1", number: 1, firmware: "bios", ...machine }),
    await room.start({ name: "lab1-a2", number: 2, firmware: "uefi", ...machine }),
  ];
  await steps.step("power-on to registered", () => agentsAreThere(pcs));
  await lab.command("room", "create", "lab1");
  for (const { mac, name } of pcs) {
    await lab.command("pc", "set", mac, "--name", name, "--room", "lab1");
    await lab.command("pc", "admit", name);
  }

  const canary = ["--canary", "1", "--wait"];
  const first = await steps.step("the first restore, by a canary", () => restore(pcs, canary));
  const [one, two] = first.members;
  assert(
    (one?.endedAt ?? "z") <= (two?.startedAt ?? ""),
    "the canary was up before the other began",
  );
  const seen = await steps.step("seen on the wire", () => lookAt(pcs));
  for (const each of seen) steps.say(`  ${JSON.stringify(each)}`);
  const [left, right] = seen;
  assert.notEqual(left?.address, right?.address, "two leases");
  const keys = seen.flatMap(({ hostKeys }) => hostKeys);
  assert.equal(new Set(keys).size, keys.length, "no key is both PCs'");

  for (const how of [[], ["--delta"]]) {
    const what = ["the restore again", ...how].join(", ");
    const words = ["--start", "all", ...how, "--wait"];
    await steps.step(what, () => restore(pcs, words, () => reset(pcs)));
    assert.deepEqual(await lookAt(pcs), seen, "the same names, leases and host keys");
    steps.say("  the same names, leases and host keys");
  }
  for (const line of steps.table()) console.log(line);
  isDone = true;
} finally {
  for (const name of isDone ? [] : ["lab1-a1", "lab1-a2"])
    console.log(relative(repository, join(room.folder, `${name}.serial.log`)));
  await room.close(!isDone);
}

async function agentsAreThere(pcs: readonly Pc[]): Promise<void> {
  await Promise.all(pcs.map((pc) => pc.waitForSerial(registered, limitMs.boot)));
  await lab.waitForPcs(
    pcs.map(({ mac }) => mac),
    ["idle"],
    60_000,
  );
}

/** From its own disk each would start that again, but that a session wants it. */
async function reset(pcs: readonly Pc[]): Promise<void> {
  for (const pc of pcs) await pc.reset();
}

/** Restores both, waits for their own login prompts, and checks the session's certificate. */
async function restore(
  pcs: readonly Pc[],
  words: readonly string[],
  onceBegun: () => Promise<void> = async () => {},
): Promise<SessionView> {
  const after = pcs.map((pc) => pc.serial().length);
  let said = "";
  let begun: Promise<void> | undefined;
  const { status, value, stderr } = await lab.watch([...restoreLab, ...words], (session) => {
    begun ??= onceBegun();
    const line = `  ${session.members.map(({ name, state, boot }) => `${name} ${state} ${boot?.state ?? ""}`).join(", ")}`;
    if (line !== said) steps.say(line);
    said = line;
  });
  await begun;
  assert.equal(status, 0, `${stderr} ${JSON.stringify(value)}`);
  assert(value !== undefined, "the session was shown");
  steps.say(`  ${sentence(value)}`);
  assert.deepEqual(
    value.members.map(({ result, boot }) => [result, boot?.state, boot?.name]),
    pcs.map(({ name }) => ["verified", "up", name]),
  );
  await Promise.all(
    pcs.map((pc, index) =>
      pc.waitForSerial(loginPrompt(pc.name), limitMs.ownBoot, after[index] ?? 0),
    ),
  );
  await checkCertificate(value.id);
  return value;
}

/** It is genuine, and with one letter changed it is not. */
async function checkCertificate(session: string): Promise<void> {
  const text = await lab.text("report", session, "--format", "certificate");
  const file = join(room.folder, `${session}.certificate.json`);
  const check = async (content: string): Promise<number> => {
    await writeFile(file, content);
    return (await lab.watch(["report", "check", file], () => {})).status;
  };
  assert(text.includes('"lab1-a1"'), "the certificate names the PCs");
  assert.equal(await check(text), 0);
  assert.equal(await check(text.replace('"lab1-a1"', '"lab1-b1"')), 5);
  steps.say(`  the certificate of ${session} is genuine`);
}

interface Seen {
  readonly name: string;
  readonly address: string;
  readonly hostKeys: readonly string[];
}

/** What others on the wire see of each. */
async function lookAt(pcs: readonly Pc[]): Promise<Seen[]> {
  const views = await lab.command<PcView[]>("pc", "list");
  return Promise.all(
    pcs.map(async ({ name, mac }) => {
      const address = views.find((view) => view.mac === mac)?.ip ?? "";
      const hostKeys = await hostKeysAt(room.network, address);
      assert.equal(await macAt(room.network, address), mac, `${address} is ${name}'s`);
      const types = hostKeys.map((key) => key.split(" ")[0]);
      assert.deepEqual(types, ["ecdsa-sha2-nistp256", "ssh-ed25519"]);
      return { name, address, hostKeys };
    }),
  );
}
