import { parseArgs } from "node:util";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { parseMac } from "../../core/units/mac.ts";
import type { AgentOptions } from "./run.ts";

const usage =
  "agent --server URL [--pin KEY …] [--disk PATH …] [--interface IF] [--mac MAC] [--name N] [--headless] [--once] [--shell]";

/**
 * The agent's own command line, as `roomcast agent` has it. A PC that roomcast booted uses its own
 * disks; elsewhere none but those that are named. Throws a RoomcastError (`usage`).
 */
export function parseAgentArgs(words: readonly string[], isAppliance: boolean): AgentOptions {
  const values = parse(words);
  if (values.server === undefined) {
    throw new RoomcastError("usage", "the server's address is missing", usage);
  }
  const mac = values.mac === undefined ? null : parseMac(values.mac);
  if (mac === undefined) {
    throw new RoomcastError("usage", `${values.mac} is no MAC address`, "as 52:54:00:12:34:56");
  }
  return {
    server: values.server,
    pins: values.pin ?? [],
    // Nothing that is written on a PC of the lab outlives its restart.
    keyFile: null,
    disks: values.disk ?? (isAppliance ? null : []),
    interface: values.interface ?? null,
    mac,
    name: values.name ?? null,
    headless: values.headless ?? false,
    once: values.once ?? false,
    shell: values.shell ?? false,
    isAppliance,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        server: { type: "string" },
        pin: { type: "string", multiple: true },
        disk: { type: "string", multiple: true },
        interface: { type: "string" },
        mac: { type: "string" },
        name: { type: "string" },
        headless: { type: "boolean" },
        once: { type: "boolean" },
        shell: { type: "boolean" },
      },
    }).values;
  } catch (cause) {
    const why = errorText(cause);
    throw new RoomcastError("usage", why, usage, { cause });
  }
}
