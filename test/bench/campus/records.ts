/** The record of a room as it is where every PC is known: what a campus's database has of each. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { spkiBytes } from "../../../core/wire/login.ts";
import { type RoomRecordDocument, readRoomRecord } from "../../../core/wire/room-record.ts";
import { roomDefaults, type Seat } from "../../../core/wire/rooms.ts";
import { hello } from "../../server/lab/hello.ts";

const time = "2026-11-29T01:02:03.000Z";

export function roomRecord(name: string, seats: readonly Seat[]): RoomRecordDocument {
  const record: RoomRecordDocument = {
    ...{ version: 1, name, settings: roomDefaults, pin: null, instructorPin: null },
    ...{ seats: [...seats], schedules: [], lacksHostKeys: true },
    pcs: seats.map((seat, at) => pcRecord(`${name}-${seat.name}`, seat.name, at)),
  };
  const read = readRoomRecord(JSON.stringify(record));
  assert(read.ok, read.ok ? "" : read.reason);
  return record;
}

function pcRecord(name: string, seat: string, at: number): RoomRecordDocument["pcs"][number] {
  // As random as a key, and the same each time: what has not changed is not told again.
  const random = createHash("shake256", { outputLength: spkiBytes }).update(name).digest();
  const mac = `52:54:00:12:34:${at.toString(16).padStart(2, "0")}`;
  const { type: _, state: __, report: ___, ...said } = hello(mac, "4c4c4544-0043-3010-8052", name);
  const disk = {
    ...{ path: "/dev/nvme0n1", size: 512_110_190_592, logicalSector: 512, secureErase: true },
    ...{ model: "SAMSUNG MZVL2512HCJQ-00BL7", serial: "S64KNX0T123456", transport: "nvme" },
    ...{ wwn: "eui.002538b221b0f3a7", rotational: false, health: "passed", protection: null },
  };
  return {
    ...{ id: `p-${random.toString("hex", 0, 4)}`, name, seat, lastSeen: time, macs: [mac] },
    ...{ nextBoot: "room", address: "10.77.0.101/24", fields: { asset: "2026-0815" } },
    hello: {
      ...said,
      ...{ disks: [disk], memoryBytes: 16 * 2 ** 30, firmware: "uefi", secureBoot: true },
      nic: { driver: "e1000e", speedMbps: 1000 },
    },
    key: {
      ...{ kind: "tpm", state: "placed", since: time, by: "ada", pcrDigest: "ab".repeat(32) },
      spki: random.toString("base64"),
    },
  };
}
