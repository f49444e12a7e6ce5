/** Where the ways compete: the real server, agents in a room of its own, and the image captured. */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { ApiClient } from "../../../client/api/client.ts";
import { openHostRoom } from "../../net/hosts.ts";
import { sendPacketByPacket } from "../bench-wire.ts";
import type { BenchDisk } from "./disk.ts";
import type { Place } from "./way.ts";

/** A host's number beyond those of the PCs: the bench's ports are counted from the first. */
const masterNumber = 99;

/** Opens it with so many PCs; `room.close()` ends it. */
export async function openPlace(disk: BenchDisk, pcCount: number): Promise<Omit<Place, "folder">> {
  const room = await openHostRoom();
  try {
    await room.startServer();
    const master = await room.addHost(masterNumber, disk.diskBytes);
    await copyFile(disk.disk, master.disk);
    const pcs = [];
    for (let number = 1; number <= pcCount; number++)
      pcs.push(await room.addHost(number, disk.diskBytes));
    await room.until(
      () => room.pcs(),
      (all) => all.filter(({ state }) => state === "idle").length === pcCount + 1,
      300,
    );
    const client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
    await room.roomcast("room", "create", "lab");
    for (const { name } of pcs) await client.patch(`/pcs/${name}`, { room: "lab" });
    const captured = await room.roomcast("capture", master.name, "base", "--wait");
    assert.equal(captured.status, 0, captured.stderr);
    // At the level at which the other ways pack: a row compares ways, not levels.
    const packed = await room.roomcast("image", "optimise", "base", "--level", "3", "--wait");
    assert.equal(packed.status, 0, packed.stderr);
    await master.kill();
    await sendPacketByPacket(room.network, pcs);
    return { room, pcs, disk };
  } catch (error) {
    await room.close();
    throw error;
  }
}
