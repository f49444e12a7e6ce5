import type { DiskView, ImageView } from "../../../core/wire/views.ts";
import type { MenuView, TaskView } from "../../../initrd/menu/view.ts";

export const disk: DiskView = {
  path: "/dev/sda",
  size: 500_107_862_016,
  logicalSector: 512,
  model: "Samsung SSD 860 EVO",
  serial: "S3Z9NB0K123456X",
  wwn: null,
  transport: "sata",
  rotational: false,
  health: "PASSED",
  protection: null,
};

export const otherDisk: DiskView = {
  ...disk,
  path: "/dev/nvme0n1",
  size: 1_000_204_886_016,
  model: "WD Blue SN570",
  serial: "22123X",
  transport: "nvme",
};

export const image: ImageView = {
  id: "0123456789abcdef",
  name: "win11-lab",
  ...{ fitOf: null, fitSize: null, leastDiskBytes: null, optimise: null },
  ...{ here: true, server: null, fetch: null },
  version: 4,
  capturedAt: "2026-11-21T14:03:00Z",
  source: "pc01 /dev/sda",
  diskBytes: 500_107_862_016,
  logicalSector: 512,
  usedBytes: 28_100_000_000,
  storedBytes: 12_000_000_000,
  chunkBytes: 1_048_576,
  chunks: 26_800,
  partitionTable: "gpt",
  partitions: [],
  rootHash: "a".repeat(64),
  warnings: [],
  ...{ steps: [], notes: "" },
};

export const view: MenuView = {
  language: "en",
  pc: { name: "pc14", room: "lab-2", mac: "52:54:00:12:34:56", ip: "10.0.0.23" },
  server: { url: "http://10.0.0.1:8080", state: "connected", detail: null },
  isLocked: false,
  unlocks: null,
  waiting: null,
  disks: [disk],
  isHalfWritten: false,
  troubles: [],
  images: [image, { ...image, version: 3 }],
  level: "placed",
  code: null,
  place: null,
  targets: [
    { name: "pc14", disk: "/dev/sda  500.1 GB  Samsung SSD 860 EVO  serial S3Z9NB0K123456X  sata" },
    { name: "pc15", disk: "/dev/nvme0n1  1.0 TB  WD Blue SN570  serial 22123X  nvme" },
  ],
  task: null,
  hardware: {
    agentVersion: "0.1.0",
    firmware: "uefi",
    secureBoot: false,
    memoryBytes: 8_589_934_592,
    nic: { driver: "e1000e", speedMbps: 1000 },
    identity: {
      uuid: "4c4c4544-0042-3510-8052-b4c04f4d3432",
      serials: ["ABC1234"],
      macs: ["52:54:00:12:34:56"],
    },
  },
  check: null,
  notice: null,
};

export const receiving: TaskView = {
  kind: "restore",
  image: "win11-lab@4",
  disk,
  phase: "receiving",
  bytesDone: 12_100_000_000,
  bytesTotal: 28_100_000_000,
  rateBps: 98_200_000,
  secondsLeft: 320,
  isCutOff: false,
  trouble: null,
  counters: {
    bytesWanted: 28_100_000_000,
    bytesReceived: 13_000_000_000,
    bytesWritten: 12_100_000_000,
    bytesVerified: 3_000_000_000,
    chunksKept: 0,
    chunksWritten: 11_540,
    forgedPackets: 0,
    lossRatio: 0.0021,
    writeBps: 98_200_000,
  },
  room: { members: 28, verified: 3, failed: 1, progress: 0.41, secondsLeft: 360 },
  outcome: null,
};
