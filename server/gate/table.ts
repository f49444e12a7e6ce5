/**
 * All that can be reached without an operator's token, as data. A route that is not here cannot be
 * registered on the gate (`hold-to-table.ts`), and `docs/security.md` shows these rows.
 */
import { livePlanLimit } from "../../core/image/live-plan.ts";
import { loginBytes } from "../../core/wire/login.ts";
import { type Upload, uploadLimits } from "../store/upload-routes.ts";

/** Where agents connect. */
export const linkPath = "/gate/v2/link";

export interface GateRow {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "WS";
  readonly path: string;
  /** `http`: for firmware and boot loaders; `https`: all else. */
  readonly port: "http" | "https";
  /** What whoever asks has to show. Agents are not authenticated yet. */
  readonly credential: "none";
  /** What has to exist to be asked about. */
  readonly boundTo: string;
  /** The longest body in bytes, or what it depends on; a request with a longer one is refused unread. */
  readonly bodyBytes: number | ((upload: Pick<Upload, "chunkCount">) => number);
  /** Requests of this row that one address may have under way. */
  readonly inFlight: number;
  readonly description: string;
}

/** A port that is no route. */
export interface PortRow {
  readonly port: number;
  readonly protocol: string;
  readonly credential: "none";
  readonly limits: string;
  readonly description: string;
}

const row = (
  method: GateRow["method"],
  path: string,
  boundTo: string,
  inFlight: number,
  description: string,
  bodyBytes: GateRow["bodyBytes"] = 0,
): GateRow => ({
  ...{ method, path, credential: "none", boundTo, bodyBytes, inFlight, description },
  port: path.startsWith("/boot/") ? "http" : "https",
});

const capture = "a capture under way";
const cast = "a live cast under way";

/** One row a method and path; paths as fastify has them. */
export const gateRows: readonly GateRow[] = [
  row("GET", "/boot/ipxe", "nothing", 8, "the script that sends iPXE on with its MAC"),
  row("HEAD", "/boot/ipxe", "nothing", 8, "its length"),
  row("GET", "/boot/ipxe/:mac", "nothing", 8, "what the PC with this MAC is to start"),
  row("HEAD", "/boot/ipxe/:mac", "nothing", 8, "its length"),
  row("GET", "/boot/key", "nothing", 8, "the gate's address and key, to be pinned"),
  row("GET", "/boot/*", "the list of boot files", 8, "kernel, initrd, loaders"),
  row("HEAD", "/boot/*", "the list of boot files", 8, "their lengths, which UEFI asks for first"),
  // One host may run the agents of many disks.
  row("WS", linkPath, "nothing", 64, "the connection of a PC's agent", loginBytes),
  row("GET", "/gate/v2/images", "nothing", 8, "the list of images"),
  row("GET", "/gate/v2/images/:id/manifest", "an image", 8, "an image's manifest"),
  row("GET", "/gate/v2/images/:id/index", "an image", 8, "an image's index"),
  row("GET", "/gate/v2/images/:id/chunks/:entry", "an image", 32, "a chunk of an image"),
  row(
    "POST",
    "/gate/v2/captures/:task/known",
    capture,
    16,
    "which chunks are stored already",
    uploadLimits.known,
  ),
  row("PUT", "/gate/v2/captures/:task/chunks", capture, 8, "chunks", uploadLimits.chunks),
  row("PUT", "/gate/v2/captures/:task/index", capture, 2, "the index", uploadLimits.index),
  row(
    "POST",
    "/gate/v2/captures/:task/commit",
    capture,
    4,
    "makes the image visible",
    uploadLimits.commit,
  ),
  row("GET", "/gate/v2/casts/:task/plan", cast, 8, "the plan of a live cast"),
  row("PUT", "/gate/v2/casts/:task/plan", cast, 2, "the same, from the sender", livePlanLimit),
  row("GET", "/gate/v2/casts/:task/chunks/:entry", cast, 32, "a chunk of a live cast"),
  row(
    "PUT",
    "/gate/v2/casts/:task/chunks",
    cast,
    8,
    "a chunk that the server did not hear",
    // A chunk with its entry.
    2 * 1024 * 1024,
  ),
  row("GET", "/gate/v2/rooms/:name/targets", "a room", 4, "the disks that a cast overwrites"),
  row("GET", "/gate/v2/check/payload", "nothing", 2, "up to 512 MiB of zeros, to be timed"),
  row(
    "POST",
    "/gate/v2/check/multicast",
    "nothing",
    2,
    "600 packets of multicast, one such burst at a time",
    1024,
  ),
];

/** UDP ports of the lab's interface. */
export const portRows: readonly PortRow[] = [
  {
    port: 67,
    protocol: "DHCP",
    credential: "none",
    limits: "one lease a MAC, 256 addresses probed at once",
    description: "gives addresses, or with proxyDHCP only the boot file",
  },
  {
    port: 4011,
    protocol: "proxyDHCP",
    credential: "none",
    limits: "stateless",
    description: "the boot file, beside another DHCP server",
  },
  {
    port: 69,
    protocol: "TFTP",
    credential: "none",
    limits: "256 transfers at once, read only, the boot folder only",
    description: "loaders and GRUB's script",
  },
];
