import { type FileHandle, open } from "node:fs/promises";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { BootGate, BootPlan } from "../../../core/boot/boot-menu.ts";
import { ipxeScript } from "../../../core/boot/ipxe-script.ts";
import { secureBootFiles } from "../../../core/boot/secure-boot.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import type { BootKey } from "../../../core/wire/boot-key.ts";

export interface BootRoutesOptions {
  readonly folder: string;
  readonly serverUrl: string;
  /** The gate as it is now. */
  gate(): BootGate;
  /** What a PC's script is to say; changes nothing. */
  plan(mac: MacAddress): BootPlan;
  /** A PC has asked for its script, which says this. */
  asked(mac: MacAddress, plan: BootPlan): void;
  /** Whoever has this address has asked for this path. */
  fetches(address: string, path: string): void;
  /** What a path in a PC's own folder of the Secure Boot image stands for; undefined for any other. */
  secureFile(path: string): string | undefined;
}

/** What `/boot/` gives: nothing else in the folder, and nothing outside. */
const files: ReadonlySet<string> = new Set([
  "vmlinuz",
  "initrd.img",
  "drivers.img",
  "undionly.kpxe",
  "snponly.efi",
  "shimx64.efi",
  "grubx64.efi",
  "localboot.efi",
  "memtest.bin",
  "memtest.efi",
  secureBootFiles.certificate,
]);
/** Further kernels, see `BootFolder`. */
const kernelFiles = /^kernels\/[A-Za-z0-9][A-Za-z0-9._-]*\/(vmlinuz|modules\.img)$/;

/** `/boot/ipxe`, and the files that it and UEFI HTTP boot ask for. None of them changes anything. */
export function bootRoutes(app: FastifyInstance, options: BootRoutesOptions): void {
  const { folder, serverUrl } = options;

  app.addHook("onRequest", async ({ ip, url }) => options.fetches(ip, url));
  // For an iPXE that DHCP did not send here, such as one at its prompt: its own settings add the MAC.
  app.route({
    method: ["GET", "HEAD"],
    url: "/boot/ipxe",
    handler: async (_request, reply) =>
      reply
        .type("text/plain")
        .send(`#!ipxe\nchain --replace ${serverUrl}/boot/ipxe/\${netX/mac:hexhyp}\n`),
  });
  app.route<{ Params: { mac: string } }>({
    method: ["GET", "HEAD"],
    url: "/boot/ipxe/:mac",
    handler: async ({ method, params }, reply) => {
      const mac = parseMac(params.mac);
      if (mac === undefined) {
        throw new RoomcastError("bad-input", "that is no MAC", "chain to /boot/ipxe");
      }
      const plan = options.plan(mac);
      if (method === "GET") options.asked(mac, plan);
      return reply.type("text/plain").header("cache-control", "no-store").send(ipxeScript(plan));
    },
  });
  app.get("/boot/key", async (_request, reply): Promise<BootKey> => {
    const { url, pins } = options.gate();
    reply.header("cache-control", "no-store");
    return { gate: url, key: pins[0], keys: [...pins] };
  });
  // UEFI asks for the length first, and believes it.
  app.route<{ Params: { "*": string } }>({
    method: ["GET", "HEAD"],
    url: "/boot/*",
    handler: async (request, reply) => {
      const name = request.params["*"];
      const file =
        options.secureFile(name) ?? (files.has(name) || kernelFiles.test(name) ? name : undefined);
      if (file === undefined) throw missing(name);
      return sendFile(join(folder, file), request, reply);
    },
  });
}

const missing = (file: string): RoomcastError =>
  new RoomcastError("not-found", `there is no boot file ${file}`, "run `make initrd`");

/** Streams a file, or the part of it that the request's `range` names. */
async function sendFile(
  path: string,
  request: FastifyRequest<{ Params: { "*": string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) throw missing(request.params["*"]);
  const found = await handle.stat();
  const range = parseByteRange(request.headers.range, found.size);
  reply.type("application/octet-stream").header("accept-ranges", "bytes");
  const { first, last } = range === "whole" || range === "none" ? wholeOf(found.size) : range;
  if (range === "none") {
    reply.code(416).header("content-range", `bytes */${found.size}`);
  } else {
    if (range !== "whole")
      reply.code(206).header("content-range", `bytes ${first}-${last}/${found.size}`);
    reply.header("content-length", last - first + 1);
  }
  if (range === "none" || request.method === "HEAD" || last < first) {
    await handle.close();
    return reply.send("");
  }
  reply.hijack();
  const answer = reply.raw;
  answer.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders);
  try {
    await pour(handle, { first, last }, answer);
  } catch {
    // What was announced cannot be kept: the client sees it by the length, and asks again.
    answer.destroy();
  } finally {
    await handle.close();
  }
  return reply;
}

/** Read at a time. */
const partBytes = 128 * 1024;

/**
 * One buffer for the whole answer: a stream makes a new one for every part, and a room of 50 that starts at
 * once leaves a hundred megabytes of them to the garbage collector.
 */
async function pour(
  handle: FileHandle,
  { first, last }: { readonly first: number; readonly last: number },
  answer: ServerResponse,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(partBytes, last - first + 1));
  const closed = new Promise<void>((resolve) => answer.once("close", () => resolve()));
  for (let offset = first; offset <= last && !answer.destroyed; ) {
    const wanted = Math.min(buffer.length, last + 1 - offset);
    const { bytesRead } = await handle.read(buffer, 0, wanted, offset);
    if (bytesRead === 0) throw new Error("the file has become shorter");
    // The kernel has it when the callback is called, and the buffer is free again.
    const written = new Promise<void>((resolve) => {
      answer.write(buffer.subarray(0, bytesRead), () => resolve());
    });
    await Promise.race([written, closed]);
    offset += bytesRead;
  }
  answer.end();
}

const wholeOf = (size: number) => ({ first: 0, last: size - 1 });

/**
 * RFC 9110 section 14.2. Only a single range of bytes is answered as such; anything else counts as not
 * said, and one that begins after the end is `none`.
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
): { readonly first: number; readonly last: number } | "whole" | "none" {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return "whole";
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "none" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return "whole";
  return first >= size ? "none" : { first, last };
}
