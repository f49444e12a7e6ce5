/** Rooms as the page may find them: a restore that runs with some trouble in it, and one that is over. */

import { seatGrid } from "../../core/session/seats.ts";
import type { LiveEvent, TrustView } from "../../core/wire/api.ts";
import { type RoomView, roomDefaults } from "../../core/wire/rooms.ts";
import type { MemberView, PcView, SessionView } from "../../core/wire/views.ts";
import { imageOf, memberOf, pcOf, sessionOf, unlocked } from "../client/console/fake-lab.ts";

export interface Scene {
  readonly pcs: readonly PcView[];
  readonly room: RoomView;
  readonly session: SessionView;
  readonly state: readonly LiveEvent[];
}

/** A room of so many columns and rows whose PCs are being restored; the same each time. */
export function restoringRoom(columns = 8, rows = 5): Scene {
  const seats = seatGrid(columns, rows);
  const numbered = seats.map((seat, index) => ({ seat, number: index + 1 }));
  const pcs = numbered.map(({ seat, number }) => pcAt(number, seat.name));
  const members = numbered.map(({ number }, index) => ({
    ...memberAt(number),
    name: pcs[index]?.name ?? "",
  }));
  const session = sessionOf(members, { room: "lab-1" });
  const room: RoomView = {
    ...{ name: "lab-1", pcs: pcs.length, online: pcs.length - 2, session: session.id },
    ...{ settings: roomDefaults, walk: null, ...unlocked },
    seats: numbered.map(({ seat, number }) => ({ ...seat, pc: `id${number}` })),
  };
  const other: RoomView = { ...room, name: "default", pcs: 1, online: 1, session: null, seats: [] };
  const image = imageOf(4, {
    partitions: [
      { ...part, index: 1, fs: "vfat", label: "EFI", size: 100e6, usedBytes: 30e6 },
      { ...part, index: 3, fs: "ntfs", label: "Windows", size: 499e9, usedBytes: 28e9 },
    ],
    warnings: ["Fast startup is on: other systems see an older state of this disk"],
  });
  const state: LiveEvent[] = [
    ...[room, other].map((each) => ({ type: "room", room: each }) as const),
    ...pcs.map((pc) => ({ type: "pc", pc }) as const),
    { type: "pc", pc: pcOf(900, { name: "spare", room: "default" }) },
    { type: "image", image },
    { type: "image", image: imageOf(3) },
    { type: "session", session },
    { type: "session", session: sessionOf([memberOf(900, over)], ended) },
  ];
  return { pcs, room, session, state };
}

const part = { type: "", uuid: null, start: 1e6, mode: "used" as const };
const over = { name: "spare", result: "verified" as const, state: "idle" as const };
const ended = {
  ...{ id: "s0z9y", room: "default", image: "win11-lab@3", state: "done" as const },
  ...{ startedAt: "2026-11-21T09:00:00Z", endedAt: "2026-11-21T09:12:00Z" },
};

function pcAt(number: number, seat: string): PcView {
  const name = `lab1-${seat.toLowerCase()}`;
  const at = { name, seat, session: "s1a2b" };
  if (number === 5 || number === 6) return pcOf(number, at);
  if (number === 12) return pcOf(number, { ...at, state: "offline" });
  if (number === 19) return pcOf(number, { ...at, state: "failed" });
  if (number === 27) {
    const identity = { kind: "tpm", state: "waiting", code: "402917", level: "waiting" } as const;
    return pcOf(number, { ...at, session: null, identity });
  }
  return pcOf(number, { ...at, state: "receiving" });
}

/** Numbers from 0 to 1 that are the same each time. */
const scatter = (number: number): number => (Math.sin(number * 12.9898) * 43758.5453 + 1e6) % 1;

function memberAt(number: number): MemberView {
  const spread = scatter(number);
  const part = memberOf(number, {
    bytesWritten: Math.floor(28e9 * (0.35 + spread * 0.4)),
    writeBps: Math.floor(70e6 + spread * 60e6),
  });
  switch (number) {
    case 5:
    case 6:
      return { ...part, result: "verified", state: "idle", rootHash: "a".repeat(64) };
    case 12:
      return { ...part, state: "offline", bytesWritten: 0, writeBps: null, startedAt: null };
    case 19: {
      const reason = "write error at 12.4 GB on sda (Samsung 860 EVO, S3Z9NB0K0019)";
      return { ...part, result: "failed", state: "failed", reason };
    }
    case 23: {
      const laneReason = "disk writes 18.0 MB/s";
      return { ...part, lane: "catch-up", laneReason, writeBps: 18e6, bytesWritten: 4e9 };
    }
    case 27:
      return { ...part, result: "stopped", reason: "nobody has placed this PC" };
    case 33:
      return { ...part, state: "verifying", bytesVerified: 10e9, bytesWritten: 28e9 };
    default:
      return part;
  }
}

/** A PC whose user asks for something. */
export const askingPc = {
  type: "request",
  request: {
    ...{ id: "q1", pc: "id7", name: "lab1-a7", room: "lab-1", action: "restore" },
    what: "restore win11-lab@4 onto its disk",
    overwrites: ["sda (Samsung 860 EVO, S3Z9NB0K0007)"],
    word: "lab1-a7",
    ...{ askedAt: "2026-11-22T09:14:00Z", endsAt: "2026-11-22T09:29:00Z" },
  },
} satisfies LiveEvent;

const pin = (letter: string): string => `sha256:${letter.repeat(43)}=`;
/** The server's keys, while nothing is renewed. */
export const trustView: TrustView = {
  ...{ gate: "https://10.77.0.1:8443", key: pin("k"), since: "2026-11-01T08:00:00Z", next: null },
  signing: { key: pin("s"), since: "2026-11-01T08:00:00Z", earlier: [], campus: [] },
  ...{ told: ["lab1-a1", "lab1-a2"], away: ["lab1-b4"] },
};
/** While it is being renewed. */
export const renewing: TrustView = {
  ...trustView,
  next: { key: pin("n"), since: "2026-11-28T08:00:00Z" },
};

/** What the views fetch that no event tells. */
export const answersOf = (): readonly (readonly [path: string, answer: unknown])[] => [
  ...campusAnswers(),
  ["/trust", trustView],
  ["/rooms/lab-1/wall-link", { by: "ann", createdAt: "2026-11-28T08:00:00Z" }],
  ["/status", { storedBytes: 812e9, freeBytes: 1.2e12 }],
  [
    "/doctor",
    {
      ...{ interface: "eth1", isServing: true, isWell: false },
      findings: [
        { check: "clock", level: "ok", text: "it is right to the second", mend: null },
        {
          ...{ check: "IGMP", level: "warning", text: "no querier was heard on eth1" },
          mend: "turn IGMP snooping off, or a querier on",
        },
        {
          ...{
            check: "disk",
            level: "problem",
            text: "41.2 GB are free, and the last capture took 60 GB",
          },
          mend: "delete images that nobody needs",
        },
      ],
    },
  ],
  [
    "/schedule",
    [
      {
        ...{ id: "c1", cron: "30 6 * * 1-5", timeZone: "Europe/Berlin", room: "lab-1" },
        ...{ image: "win11-lab", dueAt: "2026-11-30T05:30:00Z", run: null },
        last: { at: "2026-11-27T05:30:00Z", session: "s0z9y", outcome: "40 of 40 verified" },
      },
    ],
  ],
  [
    "/operators",
    [
      {
        ...{ name: "ann", role: "admin", password: true, issuer: null },
        ...{ createdAt: "2026-11-01T08:00:00Z", lastSeen: "2026-11-22T09:14:00Z" },
      },
    ],
  ],
  [
    "/ssh-keys",
    [
      {
        ...{ name: "staff", by: "ann", addedAt: "2026-11-01T08:05:00Z" },
        keys: [{ type: "ssh-ed25519", fingerprint: "SHA256:Xk3b…", comment: "ann@desk" }],
      },
    ],
  ],
  [
    "/history",
    [
      {
        ...{ at: "2026-11-22T09:00:00Z", session: "s1a2b", pc: null, pcName: null, room: "lab-1" },
        ...{ image: "win11-lab@4", operator: "ann", text: "restore of win11-lab@4 to lab-1 began" },
      },
    ],
  ],
  [
    "/pcs/id19/log",
    { lines: ["09:12:40 receiving win11-lab@4", "09:13:02 write error at 12.4 GB"] },
  ],
  ["/pcs/id19/screen", { lines: ["FAILED", "", "write error at 12.4 GB on sda"] }],
];

const at = "2026-11-22T08:00:00Z";

/** A campus of three servers, one of which is away: each has its room, and this one a copy of another's. */
export function campusAnswers(): readonly (readonly [path: string, answer: unknown])[] {
  const of = (name: string, away: string | null = null) => ({
    ...{ name, address: `https://${name}.example.org:8443`, version: "1.0", since: at, away },
  });
  const { room } = restoringRoom(2, 1);
  const told = { ...room, session: null, running: null, since: null };
  const there = { ...told, server: "beta", owner: "beta" };
  const hall = { ...there, ...{ name: "hall", session: "s7", running: "1 of 2 verified so far." } };
  const pcs = [1, 2].map((number) => pcOf(number, { name: `hall-${number}`, room: "hall" }));
  return [
    [
      "/campus",
      { server: "alpha", away: null, servers: [of("alpha"), of("beta"), of("gamma", at)] },
    ],
    [
      "/campus/rooms",
      [
        hall,
        { ...told, server: "alpha", owner: "alpha" },
        { ...told, ...{ name: "attic", server: "alpha", owner: "beta" } },
        { ...told, ...{ name: "cellar", server: "gamma", owner: "gamma", since: at } },
      ],
    ],
    ["beta /rooms", [hall]],
    ["beta /pcs", pcs],
    ["beta /images", [imageOf(4)]],
    ["beta /sessions/s7", sessionOf([memberOf(1), memberOf(2)], { id: "s7", room: "hall" })],
  ];
}
