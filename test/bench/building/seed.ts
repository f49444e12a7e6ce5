/** A building as its server knows it already: rooms, placed PCs and their keys, and an image to restore. */
import { join } from "node:path";
import { spkiOf } from "../../../core/node/key-forms.ts";
import { newKey } from "../../../core/node/p256.ts";
import { pinOf } from "../../../core/node/pin.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { newRoom, type PcRecord } from "../../../server/state/records.ts";
import { openStateStore } from "../../../server/state/state-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { write } from "../../server/store/write-image.ts";
import type { PcOrder } from "./pc.ts";

export const roomCount = 60;
const since = "2026-01-01T00:00:00.000Z";

export const idOfPc = (number: number): string => `p-${number.toString(16).padStart(8, "0")}`;
export const nameOfPc = (number: number): string => `pc${number}`;
export const roomOfPc = (number: number): string => `room ${1 + (number % roomCount)}`;

const macOf = (number: number): string =>
  `52:54:00:${[16, 8, 0].map((bits) => ((number >> bits) & 255).toString(16).padStart(2, "0")).join(":")}`;

export const diskOf = (number: number): DiskView => ({
  ...{ path: "/dev/nvme0n1", size: 512_110_190_592, logicalSector: 512, rotational: false },
  ...{ model: "SAMSUNG MZVLB512HBJQ", serial: `S4GENX0N${number}`, wwn: `eui.${number}` },
  ...{ transport: "nvme", health: "passed", protection: null },
});

export const helloOfPc = (number: number): Hello => {
  const mac = macOf(number);
  return {
    ...{ type: "hello", agentVersion: "bench", instance: `i${number}`, name: null, mac },
    identity: { uuid: uuidOf(number), serials: [`C${number}`], macs: [mac] },
    ...{ ip: null, firmware: "uefi", secureBoot: false, memoryBytes: 16 * 2 ** 30 },
    nic: { driver: "e1000e", speedMbps: 1000 },
    ...{ disks: [diskOf(number)], state: "idle", report: null },
  };
};

const uuidOf = (number: number): string =>
  `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

/** Fills a data folder with `count` PCs; answers what each of them is to have. */
export async function seed(data: string, count: number): Promise<PcOrder[]> {
  const store = await openImageStore(join(data, "store"));
  await write(store, [new Uint8Array(1024 * 1024).fill(7)], "bench");
  await store[Symbol.asyncDispose]();
  const state = openStateStore(data);
  for (let room = 1; room <= roomCount; room++) state.saveRoom(newRoom(`room ${room}`));
  const orders: PcOrder[] = [];
  const records: PcRecord[] = [];
  for (let number = 1; number <= count; number++) {
    const { type: _, state: __, report: ___, ...hello } = helloOfPc(number);
    const [id, name, room] = [idOfPc(number), nameOfPc(number), roomOfPc(number)];
    const seat = `${1 + Math.floor(number / roomCount)}`;
    records.push({
      ...{ id, name, room, seat, hello, macs: [hello.mac] },
      ...{ lastSeen: since, nextBoot: "room" },
    });
    const key = newKey();
    const spki = spkiOf(key);
    state.saveKey({
      ...{ fingerprint: pinOf(spki), kind: "file", spki: spki.toString("base64") },
      ...{ pc: id, state: "placed", since, by: "bench", pcrDigest: null },
    });
    orders.push({ number, key: key.export({ format: "pem", type: "pkcs8" }).toString() });
  }
  state.savePcs(records);
  state.close();
  return orders;
}
