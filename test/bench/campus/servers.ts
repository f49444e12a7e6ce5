/** Servers of a campus for the bench: the real code of rooms, registry and images, with rooms that a script plays. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CampusRoomView, PublishedRoom } from "../../../core/wire/campus.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { CampusRooms } from "../../../server/campus/campus-rooms.ts";
import type { CampusStore } from "../../../server/campus/campus-store.ts";
import { openCampusStore } from "../../../server/campus/open-campus-store.ts";
import { PgRegistry } from "../../../server/campus/registry.ts";
import type { RoomTables } from "../../../server/campus/room-tables.ts";
import { nodeFiles } from "../../../server/store/files.ts";
import { nodePorts } from "../../../server/store/store-ports.ts";
import { hashesOf, manifestOf, packOf } from "../../server/campus/campus-images.ts";
import { MemoryObjects } from "../../server/campus/memory-objects.ts";
import { roomRecord } from "./records.ts";

export const serverCount = 20;
export const roomsPerServer = 50;
export const pcsPerRoom = 10;
export const imageCount = 300;

const time = {
  now: () => Date.now(),
  sleep: (ms: number, signal: AbortSignal) =>
    sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
};

/** A view that a server was told, as JSON. */
export type Told = (observer: string, view: { server: string; room: string; view: string }) => void;

export class BenchServer {
  readonly name: string;
  readonly images: CampusStore;
  readonly rooms = new Map<string, PublishedRoom>();
  private readonly campus: CampusRooms;
  private readonly folder: string;

  private constructor(
    name: string,
    parts: { readonly images: CampusStore; readonly campus: CampusRooms; readonly folder: string },
  ) {
    this.name = name;
    this.images = parts.images;
    this.campus = parts.campus;
    this.folder = parts.folder;
  }

  static async open(number: number, url: string, told: Told): Promise<BenchServer> {
    const name = `building-${String(number).padStart(2, "0")}`;
    const folder = await mkdtemp(join(tmpdir(), "bench-campus-"));
    const registry = await PgRegistry.open({ settings: { url }, server: name, warn: () => {} });
    const images = await openCampusStore(folder, {
      ...{ store: nodePorts(folder), server: name, cacheBytes: null, seal: null, time },
      ...{ objects: new MemoryObjects(), registry, tables: registry.sweepTables() },
      salt: () => new Uint8Array(16),
      warn() {},
    });
    images.closeWith(registry);
    const campus = await CampusRooms.open({
      ...{ tables: watched(registry.roomTables(), name, told), server: name, version: "bench" },
      ...{ time, seal: null, disk: nodeFiles, path: join(folder, "campus-rooms.json") },
      steady: () => performance.now(),
      newId: () => `${name} ${process.pid}`,
    });
    const server = new BenchServer(name, { images, campus, folder });
    for (let at = 1; at <= roomsPerServer; at++) {
      const room = roomOf(`b${number}-room-${at}`);
      server.rooms.set(room.name, room);
    }
    const view = (room: string): PublishedRoom => server.rooms.get(room) ?? roomOf(room);
    const names = (): string[] => [...server.rooms.keys()];
    const moves = { ...nothingMoves, record: (room: string) => roomRecord(room, view(room).seats) };
    campus.begin({ names, view, moves }, () => `https://${name}:8443`);
    return server;
  }

  /** Puts a room there as it is now; answers how it is told. */
  set(room: PublishedRoom): string {
    this.rooms.set(room.name, room);
    this.campus.changed(room.name);
    return JSON.stringify(room);
  }

  views(): CampusRoomView[] {
    return this.campus.views();
  }

  async close(): Promise<void> {
    await this.campus.close();
    await this.images[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** As a room of ten seats that are taken. */
function roomOf(name: string): PublishedRoom {
  const seats = Array.from({ length: pcsPerRoom }, (_, at) => ({
    ...{ name: `A${at + 1}`, column: at % 5, row: Math.floor(at / 5) },
    pc: `52:54:00:${name.slice(-2)}:${at}`,
  }));
  return {
    ...{ name, pcs: pcsPerRoom, online: pcsPerRoom, session: null, settings: roomDefaults },
    ...{ pin: false, instructorPin: false, shutUntil: null, seats, walk: null, running: null },
  };
}

/** The same tables; `told` hears what each look brings. */
const watched = (tables: RoomTables, observer: string, told: Told): RoomTables =>
  Object.create(tables, {
    look: {
      async value(changed: number): ReturnType<RoomTables["look"]> {
        const looked = await tables.look(changed);
        for (const { server, room, view } of looked.views) told(observer, { server, room, view });
        return looked;
      },
    },
  });

/** Nobody moves a room here; what is in it is told as for any other. */
const nothingMoves = {
  refusal: () => null,
  leave() {},
  hasTaken: () => false,
  take: () => [],
};

/** As many images as a large campus has, committed by nobody's server. */
export async function seedImages(url: string): Promise<void> {
  const registry = await PgRegistry.open({ settings: { url }, server: "seed", warn: () => {} });
  const hashes = hashesOf(...Array.from({ length: 64 }, (_, at) => at));
  const writer = await registry.beginWriter();
  await writer.addPack(packOf(hashes));
  for (let number = 1; number <= imageCount; number++)
    await writer.commit(
      manifestOf(number, `image${number % 30}`, Math.ceil(number / 30) + 1),
      hashes,
    );
  await writer.end();
  await registry[Symbol.asyncDispose]();
}
