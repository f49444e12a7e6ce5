/** A whole server of a campus: lab, API and its part in the campus, on tables of a test's own. */
import { randomBytes } from "node:crypto";
import { CampusOrders } from "../../../server/campus/campus-orders.ts";
import { CampusRooms } from "../../../server/campus/campus-rooms.ts";
import type { OrderTables } from "../../../server/campus/order-tables.ts";
import type { RoomTables } from "../../../server/campus/room-tables.ts";
import { tellCampus } from "../../../server/tell-campus.ts";
import { hostClock } from "../campus/room-site.ts";
import { openApi, type TestApi, type TestApiOptions } from "./open-api.ts";

export interface Member {
  readonly api: TestApi;
  readonly rooms: CampusRooms;
  readonly orders: CampusOrders;
}

/** `close` of the API closes all of it. */
export async function openMember(
  server: string,
  shared: { tables(): RoomTables },
  given: { tables(): OrderTables },
  { trust = "local", ...options }: TestApiOptions & { readonly trust?: "local" | "tokens" } = {},
): Promise<Member> {
  const newId = (): string => randomBytes(16).toString("hex");
  const rooms = await CampusRooms.open({
    ...{ ...hostClock, tables: shared.tables(), server, version: "1.0", path: "", newId },
    seal: null,
    disk: { read: async () => new Uint8Array(), writeDurably: async () => {} },
  });
  const { instance } = rooms;
  const orders = new CampusOrders({
    ...{ ...hostClock, tables: given.tables(), server, instance, newId },
    servers: () => rooms.status().servers,
  });
  const opened = await openApi(trust, { ...options, campus: { rooms, orders } });
  tellCampus(opened.lab, rooms, { address: () => `https://${server}:8443`, left: () => {} });
  const close = async (): Promise<void> => {
    await orders.close();
    await rooms.close();
    await opened.close();
  };
  return { rooms, orders, api: { ...opened, close, [Symbol.asyncDispose]: close } };
}
