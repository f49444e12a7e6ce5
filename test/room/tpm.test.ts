/** A PC with a TPM: its agent makes the key while the PC comes up, the same one at each start; no twin has it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { PcView } from "../../core/wire/views.ts";
import { bootLine, type Lab, repository } from "./lab.ts";
import { macOf, type Pc } from "./pc.ts";
import { openRoom } from "./room-run.ts";
import { run } from "./run.ts";

/** Nine times what a quiet machine with two cores and no KVM takes. */
const limitMs = { step: 450_000, all: 1_500_000 };

const keyMade = /roomcast: the TPM's key is (sha256:\S{44}), ready after [\d.]+ s/;

const registered = /roomcast: registered as pc1/;

test("a PC with a TPM is itself at every boot, and a twin of it is not", {
  timeout: limitMs.all,
}, async (t) => {
  await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
  const boot = join(repository, "build", "boot");
  const room = await openRoom();
  const { lab } = room;
  const number = 1;
  let isDone = false;
  /** With the same MAC, UUID and serial number, and a TPM of its own. */
  const switchOn = (name: string): Promise<Pc> =>
    room.start({
      ...{ name, number, firmware: "bios", nic: "e1000e", bus: "none", content: { fill: 0 } },
      tpm: true,
      kernel: {
        kernel: join(boot, "vmlinuz"),
        initrd: join(boot, "initrd.img"),
        append: bootLine(lab, macOf(number)),
      },
    });
  const keyOf = async (pc: Pc): Promise<string> => {
    await pc.waitForSerial(keyMade, limitMs.step);
    const [said, key] = keyMade.exec(pc.serial()) as RegExpExecArray;
    t.diagnostic(said);
    return key as string;
  };
  try {
    const pc = await switchOn("pc1");
    const key = await keyOf(pc);
    await pc.waitForSerial(registered, limitMs.step);
    const [before] = await lab.waitForPcs([pc.mac], ["idle"], 30_000);
    assert.equal(before?.identity?.kind, "tpm", "it has logged in by a quote");
    await lab.command("pc", "admit", before.id);
    await pc.powerOff();

    const twin = await switchOn("twin");
    assert.notEqual(await keyOf(twin), key);
    const [one, other] = await twoPcs(lab);
    assert.equal(one?.id, before.id);
    assert.equal(one.state, "offline", "nobody has taken its place");
    assert.deepEqual(
      other?.doubt?.map(({ id }) => id),
      [before.id],
      "whose marks it shows",
    );
    assert.equal(other.identity?.level, "waiting");
    const refused = await lab.watch(["pc", "reboot", other.id], () => {});
    assert.equal(refused.status, 4, refused.stderr);
    await twin.powerOff();

    // For the TPM the same as a reset: each time QEMU starts it anew.
    const again = await switchOn("pc1");
    assert.equal(await keyOf(again), key, "at its next start");
    await again.waitForSerial(registered, limitMs.step);
    const pcs = await lab.command<PcView[]>("pc", "list");
    assert.equal(pcs.find(({ id }) => id === before.id)?.identity?.level, "attested");
    isDone = true;
  } finally {
    if (!isDone) t.diagnostic(`the logs of the PCs are in ${room.folder}`);
    await room.close(!isDone);
  }
});

/** The known PC, and one in doubt. */
async function twoPcs(lab: Lab): Promise<readonly PcView[]> {
  for (const deadline = performance.now() + limitMs.step; ; await sleep(1000)) {
    const pcs = await lab.command<PcView[]>("pc", "list");
    const sorted = pcs.toSorted(
      (one, other) => Number(one.doubt !== null) - Number(other.doubt !== null),
    );
    if (pcs.length === 2 || performance.now() > deadline) return sorted;
  }
}
