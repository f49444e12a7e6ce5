/** Disks that are told to erase themselves: rows of `make test-disks`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Certificate } from "../../core/wire/certificate.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { CommandOutcome } from "./lab.ts";
import type { Pc } from "./pc.ts";
import { fillDisk, isSameDisk, type Room, type RoomPc } from "./room-run.ts";
import { run } from "./run.ts";

export interface WipeRow extends Pick<RoomPc, "firmware" | "bus" | "failsToEraseAt"> {
  readonly title: string;
  readonly size: number;
  /** What is said of the first try, which does not succeed. */
  readonly complaint?: RegExp;
  /** The disk is as it was after that; else a second try succeeds. */
  readonly isUntouched?: boolean;
}

/** Small enough that a PC without KVM reads it twice in a minute. */
const size = 256 * 1024 * 1024;

export const wipeRows: readonly WipeRow[] = [
  { title: "secure erase, NVMe", firmware: "bios", bus: "nvme", size },
  {
    title: "secure erase, NVMe that fails in the middle of it",
    firmware: "bios",
    bus: "nvme",
    size,
    failsToEraseAt: size / 2,
    complaint: /Format NVM did not succeed: NVMe status 0x6/,
  },
  {
    title: "secure erase, SATA without it",
    firmware: "bios",
    bus: "ahci",
    size,
    complaint: /no secure erase: it has no ATA security commands/,
    isUntouched: true,
  },
];

/** Wipes the PC's disk, which has `oldByte` everywhere. Answers what was seen; rejects when it is not as it has to be. */
export async function tryWipe(room: Room, row: WipeRow, pc: Pc, oldByte: number): Promise<string> {
  const file = join(room.folder, `${pc.name}.certificate.json`);
  const wipe = (): Promise<CommandOutcome<SessionView>> =>
    room.lab.watch(
      ["pc", "wipe", pc.mac, "--method", "secure-erase", "--certificate", file],
      () => {},
    );
  let told = "";
  if (row.complaint !== undefined) {
    const { status, stderr } = await wipe();
    assert.notEqual(status, 0);
    assert.match(stderr, row.complaint);
    told = `${stderr.trim().split("\n")[0]?.slice(0, 160)}`;
    if (row.isUntouched) {
      assert(await isFull(pc, row.size, oldByte), "nothing was written");
      return `refused with exit ${status}, untouched: ${told}`;
    }
    told = `exit ${status}: ${told}; then again: `;
    await room.lab.waitForPcs([pc.mac], ["idle", "failed"], 60_000);
  }
  const { status, value, stderr } = await wipe();
  assert.equal(status, 0, stderr);
  const [done, readBack] = value?.members[0]?.steps ?? [];
  assert.match(done?.detail ?? "", /^NVMe Format NVM, .*; NIST SP 800-88: purge$/);
  assert.equal(readBack?.result, "done");
  assert(await isFull(pc, row.size, 0), "the whole disk has zeros");
  const checked = await room.lab.watch(["report", "check", file], () => {});
  assert.equal(checked.status, 0, checked.stderr);
  const { document } = checked.value as unknown as { document: Certificate };
  assert.deepEqual(
    document.pcs.map(({ wipe }) => [wipe?.way, wipe?.sanitization, wipe?.readBack.finding]),
    [["nvme-format", "purge", "zeros"]],
  );
  return `${told}${done?.detail}; ${readBack?.detail}; its certificate is genuine`;
}

async function isFull({ disk }: Pc, bytes: number, fill: number): Promise<boolean> {
  const expected = `${disk}.expected`;
  await fillDisk(expected, fill, bytes);
  const isSame = await isSameDisk(disk, expected);
  await run(["rm", "-f", expected]);
  return isSame;
}
