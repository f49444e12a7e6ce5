/** A PC with a TPM: its agent makes the key while the PC comes up, the same one after a reset. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { bootLine, repository } from "./lab.ts";
import { macOf, type Pc } from "./pc.ts";
import { openRoom } from "./room-run.ts";
import { run } from "./run.ts";

/** Three times what a quiet machine with two cores and no KVM takes. */
const limitMs = { step: 150_000, all: 500_000 };

const keyMade = /roomcast: the TPM's key is (sha256:\S{44}), ready after [\d.]+ s/;

const registered = /roomcast: registered as pc1/;

test("the key of a PC's TPM is the same at every boot", { timeout: limitMs.all }, async (t) => {
  await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
  const boot = join(repository, "build", "boot");
  const room = await openRoom();
  let isDone = false;
  const number = 1;
  const keyOf = async (pc: Pc, after: number): Promise<string> => {
    await pc.waitForSerial(keyMade, limitMs.step, after);
    const [said, key] = keyMade.exec(pc.serial().slice(after)) as RegExpExecArray;
    t.diagnostic(said);
    return key as string;
  };
  try {
    const pc = await room.start({
      name: "pc1",
      number,
      firmware: "bios",
      nic: "e1000e",
      bus: "none",
      content: { fill: 0 },
      tpm: true,
      kernel: {
        kernel: join(boot, "vmlinuz"),
        initrd: join(boot, "initrd.img"),
        append: bootLine(room.lab, macOf(number)),
      },
    });
    const key = await keyOf(pc, 0);
    await pc.waitForSerial(registered, limitMs.step);
    const [before] = await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
    assert.equal(before?.identity?.kind, "tpm", "it has logged in by a quote");
    const heard = pc.serial().length;
    await pc.reset();
    assert.equal(await keyOf(pc, heard), key, "after a reset");
    await pc.waitForSerial(registered, limitMs.step, heard);
    const [after] = await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
    assert.equal(after?.id, before.id, "the key is the PC");
    isDone = true;
  } finally {
    if (!isDone) t.diagnostic(`the PC's serial log is in ${room.folder}`);
    await room.close(!isDone);
  }
});
