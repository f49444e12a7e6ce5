/** What a PC says of itself when it connects: the text in the proof of `login.ts`. */
import { type Static, Type } from "typebox";
import type { Decoded } from "../errors.ts";
import { printableIn } from "../units/printable.ts";
import { count, text } from "./fields.ts";
import { fitted } from "./misfit.ts";
import { nullable } from "./nullable.ts";
import { DiskView, PcState } from "./views.ts";
import { Report } from "./work.ts";

/** Addresses are put into advice that a person may copy into a shell. */
const mac = Type.String({
  pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$",
  description: "a MAC address, as in 52:54:00:00:00:01",
});
const ip = Type.String({
  pattern: "^(\\d{1,3}(\\.\\d{1,3}){3}|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f.]{0,15}){2,8})$",
  description: "an IP address",
});

export const Hello = Type.Object({
  type: Type.Literal("hello"),
  agentVersion: text(),
  /** Random for each start of an agent: tells a reconnect from a reboot. */
  instance: text(64),
  /** The name asked for with `--name`; the server's own name for the PC wins. */
  name: nullable(text(64)),
  identity: Type.Object({
    uuid: nullable(text(64)),
    serials: Type.Array(text(), { maxItems: 8 }),
    macs: Type.Array(mac, { maxItems: 64 }),
    /** As SMBIOS names them, for drivers; an older agent says nothing of them. */
    vendor: Type.Optional(nullable(text())),
    model: Type.Optional(nullable(text())),
  }),
  /** The MAC the PC booted from, else of the interface that reaches the server. */
  mac,
  ip: nullable(ip),
  firmware: nullable(Type.Union([Type.Literal("bios"), Type.Literal("uefi")])),
  secureBoot: nullable(Type.Boolean()),
  nic: Type.Object({ driver: nullable(text()), speedMbps: nullable(Type.Number()) }),
  disks: Type.Array(DiskView, { maxItems: 128 }),
  memoryBytes: nullable(count),
  state: PcState,
  /** What the agent is at, after a reconnect; null: nothing. */
  report: nullable(Report),
});
export type Hello = Static<typeof Hello>;

/** Reads the hello in a proof; all text in it is printable from here on, too. */
export function decodeHello(text: string): Decoded<Hello> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  return fitted(Hello, printableIn(value), "the hello");
}
