import type { FastifyInstance } from "fastify";
import { foreseenTarget } from "../../core/screen/target.ts";
import type { RoomTarget } from "../../core/wire/grant.ts";
import type { Lab } from "../lab/lab.ts";

/** Registers `GET /gate/v2/rooms/ROOM/targets`: what a cast to the room overwrites, for who asks for one at a PC. */
export async function targetRoutes(app: FastifyInstance, lab: Lab): Promise<void> {
  app.get<{ Params: { name: string } }>(
    "/gate/v2/rooms/:name/targets",
    async ({ params: { name } }): Promise<RoomTarget[]> => {
      const room = lab.rooms.view(name);
      const request = { named: null, failingDisks: [], sectors: null };
      return lab.inventory.pcsOf(room.name).map((pc) => ({
        name: pc.name,
        disk: foreseenTarget(lab.pcView(pc), [room], request).text,
      }));
    },
  );
}
