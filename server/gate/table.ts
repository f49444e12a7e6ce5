/**
 * All that can be reached without an operator's token, as data. A route that is not here cannot be
 * registered on the gate (`hold-to-table.ts`), and `docs/security.md` shows these rows.
 */
import { livePlanLimit } from "../../core/image/live-plan.ts";
import type { GrantRole } from "../../core/trust/grant.ts";
import { loginBytes } from "../../core/wire/login.ts";
import { type Upload, uploadLimits } from "../store/upload-routes.ts";

/** Where agents connect. */
export const linkPath = "/gate/v2/link";

export interface GateRow {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "WS";
  readonly path: string;
  /** `http`: for firmware and boot loaders; `https`: all else. */
  readonly port: "http" | "https";
  /** What whoever asks has to show. */
  readonly credential: "none" | "grant";
  /** What the grant has to be for; null: none is needed. */
  readonly role: GrantRole | null;
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
  ...{ method, path, credential: "none", role: null },
  ...{ boundTo, bodyBytes, inFlight, description },
  port: path.startsWith("/boot/") ? "http" : "https",
});

/** What each grant is bound to, beside its PC. */
const grantedFor: Readonly<Record<GrantRole, string>> = {
  image: "a restore of the image, of this PC, under way",
  upload: "a capture of this PC under way",
  receive: "a live cast to this PC under way",
  personal: "a restore or live cast to this PC under way",
  send: "a live cast of this PC under way",
  list: "a PC that is connected",
  targets: "a PC of the room, connected",
  check: "a PC that is connected",
};

const granted = (
  role: GrantRole,
  method: GateRow["method"],
  path: string,
  inFlight: number,
  description: string,
  bodyBytes: GateRow["bodyBytes"] = 0,
): GateRow => ({
  ...row(method, path, grantedFor[role], inFlight, description, bodyBytes),
  ...{ credential: "grant", role },
});

/** One row a method and path; paths as fastify has them. */
export const gateRows: readonly GateRow[] = [
  row("GET", "/boot/ipxe", "nothing", 8, "the script that sends iPXE on with its MAC"),
  row("HEAD", "/boot/ipxe", "nothing", 8, "its length"),
  row("GET", "/boot/ipxe/:mac", "nothing", 8, "what the PC with this MAC is to start"),
  row("HEAD", "/boot/ipxe/:mac", "nothing", 8, "its length"),
  row("GET", "/boot/key", "nothing", 8, "the gate's address and key, to be pinned"),
  row("GET", "/boot/*", "the list of boot files", 8, "kernel, initrd, loaders"),
  row("HEAD", "/boot/*", "the list of boot files", 8, "their lengths, which UEFI asks for first"),
  row("GET", "/", "nothing", 8, "the page for browsers"),
  row("GET", "/assets/*", "a file of the page", 16, "its program and its style"),
  row("GET", "/api/v1/login/ways", "nothing", 8, "how one may log in at the page"),
  row("POST", "/api/v1/login", "nothing", 4, "password, token or wall's link for a cookie", 2048),
  row("GET", "/api/v1/login/oidc", "nothing", 4, "to the site's provider of identities"),
  row("GET", "/api/v1/login/oidc/return", "a login begun in that browser", 4, "and back from it"),
  // One host may run the agents of many disks.
  row("WS", linkPath, "nothing", 64, "the connection of a PC's agent", loginBytes),
  granted("list", "GET", "/gate/v2/images", 8, "the list of images"),
  granted("image", "GET", "/gate/v2/images/:id/head", 8, "manifest, index and forms in one"),
  granted("image", "GET", "/gate/v2/images/:id/manifest", 8, "an image's manifest"),
  granted("image", "GET", "/gate/v2/images/:id/index", 8, "an image's index"),
  granted("image", "GET", "/gate/v2/images/:id/forms", 8, "the forms of its chunks"),
  granted("image", "GET", "/gate/v2/images/:id/chunks/:entry", 32, "a chunk of an image"),
  granted(
    "upload",
    "POST",
    "/gate/v2/captures/:task/known",
    16,
    "which chunks are stored already",
    uploadLimits.known,
  ),
  granted("upload", "PUT", "/gate/v2/captures/:task/chunks", 8, "chunks", uploadLimits.chunks),
  granted("upload", "PUT", "/gate/v2/captures/:task/index", 2, "the index", uploadLimits.index),
  granted(
    "upload",
    "POST",
    "/gate/v2/captures/:task/commit",
    4,
    "makes the image visible",
    uploadLimits.commit,
  ),
  granted("personal", "GET", "/gate/v2/personal/:task", 4, "the PC's own name, address and keys"),
  granted("personal", "GET", "/gate/v2/drivers/:task/*", 4, "drivers for the PC's model"),
  granted("receive", "GET", "/gate/v2/casts/:task/plan", 8, "the plan of a live cast"),
  granted(
    "send",
    "PUT",
    "/gate/v2/casts/:task/plan",
    2,
    "the same, from the sender",
    livePlanLimit,
  ),
  granted("receive", "GET", "/gate/v2/casts/:task/chunks/:entry", 32, "a chunk of a live cast"),
  granted(
    "send",
    "PUT",
    "/gate/v2/casts/:task/chunks",
    8,
    "a chunk that the server did not hear",
    // A chunk with its entry.
    2 * 1024 * 1024,
  ),
  granted("targets", "GET", "/gate/v2/rooms/:name/targets", 4, "the disks that a cast overwrites"),
  granted("check", "GET", "/gate/v2/check/payload", 2, "up to 64 MiB of zeros, to be timed"),
  granted(
    "check",
    "POST",
    "/gate/v2/check/multicast",
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
    limits: "one lease a MAC, 256 addresses probed at once, 4096 answers that wait for the disk",
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
    limits:
      "256 transfers at once, of which those that nobody has answered give way, then those of the address with the most; read only, the boot folder only",
    description: "loaders and GRUB's script",
  },
];
