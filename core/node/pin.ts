/**
 * TLS to the gate of a lab server: TLS 1.3 alone, and the gate is known by the SHA-256 of its public key.
 * Names and dates of its certificate play no part, so a PC whose clock is years off connects too.
 */
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { errorText, RoomcastError } from "../errors.ts";
import { pinPattern } from "../wire/boot-key.ts";
import { connectTcp } from "./connect-tcp.ts";

/** The servername (RFC 6066) by which a client asks for the gate's own certificate. */
export const gateServername = "gate.roomcast.internal";
/** What both ends derive the channel's binding from: RFC 8446 section 7.5. */
const exporterLabel = "EXPORTER-roomcast-link";
const exporterBytes = 32;
/** To TLS 1.3, an empty context and none are the same. */
const noContext = Buffer.alloc(0);
/** TCP and TLS together, in milliseconds: a server on the same network answers at once. */
const connectLimit = 5000;

/** The SHA-256 of a public key in DER (SPKI), as the boot line and people have it. */
export const pinOf = (spki: Uint8Array): string =>
  `sha256:${createHash("sha256").update(spki).digest("base64")}`;

const pinForm = new RegExp(pinPattern);
export const isPin = (text: string): boolean => pinForm.test(text);

/** Where a gate is, and which keys are right there. */
export interface GatePlace {
  /** `https://ADDRESS:PORT` */
  readonly url: URL;
  readonly pins: readonly string[];
}

/** An IPv6 address stands in brackets in a URL. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "");

/** A connection to a gate that has shown a right key. */
export interface PinnedSocket {
  readonly socket: TLSSocket;
  /** The gate's public key, in DER. */
  readonly spki: Uint8Array;
  /** 32 bytes that only the two ends of this connection know. */
  readonly exporter: Uint8Array;
}

export const exporterOf = (socket: TLSSocket): Uint8Array =>
  socket.exportKeyingMaterial(exporterBytes, exporterLabel, noContext);

/**
 * Connects, and checks the gate's key before a byte of ours is sent. Rejects with `other-key` for another
 * key, and with `unreachable` and what to check for any other trouble.
 */
export async function connectPinned({ url, pins }: GatePlace): Promise<PinnedSocket> {
  const limit = AbortSignal.timeout(connectLimit);
  const place = { host: hostOf(url), port: Number(url.port || 443) };
  try {
    return await secured(await connectTcp(place, limit), { url, pins }, limit);
  } catch (error) {
    if (error instanceof RoomcastError) throw error;
    if (limit.aborted) throw unreached("ETIMEDOUT");
    throw unreached((error as NodeJS.ErrnoException).code, error);
  }
}

/** TLS on a connection; rejects with the connection's error, or with `other-key`. */
function secured(tcp: Socket, { url, pins }: GatePlace, limit: AbortSignal): Promise<PinnedSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: tcp,
      servername: gateServername,
      ALPNProtocols: ["http/1.1"],
      minVersion: "TLSv1.3",
      // By the pin below, and by nothing else.
      rejectUnauthorized: false,
    });
    const fail = (error: unknown): void => {
      limit.removeEventListener("abort", abort);
      reject(error);
      socket.destroy();
    };
    const abort = (): void => fail(limit.reason);
    limit.addEventListener("abort", abort);
    // It stays: whoever takes the socket hears of errors by its end.
    socket.on("error", fail);
    socket.once("secureConnect", () => {
      const spki = socket
        .getPeerX509Certificate()
        ?.publicKey.export({ type: "spki", format: "der" });
      const shown = spki === undefined ? "no key" : pinOf(spki);
      if (spki === undefined || !pins.includes(shown)) return fail(otherKey(url, shown, pins));
      limit.removeEventListener("abort", abort);
      socket.setNoDelay(true);
      resolve({ socket, spki, exporter: exporterOf(socket) });
    });
  });
}

const otherKey = ({ origin }: URL, shown: string, pins: readonly string[]): RoomcastError =>
  new RoomcastError(
    "other-key",
    `${origin} shows the key ${shown}, and the right one is ${pins.join(" or ")}`,
    "compare it with `roomcast trust show` on the server; another machine may be answering in its place",
  );

/** Why a server is not reached, and what to check, by the code of the system's error. */
export function unreached(code = "", cause?: unknown): RoomcastError {
  const [why, next] = troubleOf(code, cause);
  return new RoomcastError("unreachable", why, next, { cause });
}

function troubleOf(code: string, cause: unknown): readonly [why: string, next: string] {
  switch (code) {
    case "ECONNREFUSED":
      return ["nothing listens there", "check that the server runs, and the port"];
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return [
        "no address is known for this name",
        "check the name, or give the address in numbers",
      ];
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return ["there is no way to this address", "check the PC's own address and the cable"];
    case "EHOSTUNREACH":
    case "ETIMEDOUT":
      return [
        "no answer",
        "check the address, the cable and the switch port, and that the server runs",
      ];
    case "ECONNRESET":
    case "EPROTO":
      return [notOurs, "check the address and the port"];
    default:
      if (code.startsWith("ERR_SSL_")) return [notOurs, "check the address and the port"];
      return [
        `it cannot be reached (${code || errorText(cause)})`,
        "check the address and the network",
      ];
  }
}

const notOurs = "something answers there, but it is no roomcast server";
