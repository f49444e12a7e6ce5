/** The disk that an order is for, by what it is known again whatever the kernel calls it after a restart. */
import { type Static, Type } from "typebox";
import { DiskView } from "./views.ts";

const { path, size, model, serial, wwn } = DiskView.properties;

export const MeantDisk = Type.Object({ path, size, model, serial, wwn });
export type MeantDisk = Static<typeof MeantDisk>;
