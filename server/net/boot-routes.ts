import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { ipxeScript } from "../../core/boot/ipxe-script.ts";
import { RoomcastError } from "../../core/errors.ts";
import { type MacAddress, parseMac } from "../../core/units/mac.ts";

export interface BootRoutesOptions {
  readonly folder: string;
  readonly serverUrl: string;
  readonly kernelArguments: readonly string[];
  decide(mac: MacAddress): "agent" | "local-disk";
  /** A PC has asked for its script or a file; `mac` where the request tells it. */
  onBoot(mac: MacAddress): void;
}

/** What `/boot/` gives: nothing else in the folder, and nothing outside. */
const files = new Set(["vmlinuz", "initrd.img", "undionly.kpxe", "snponly.efi"]);

/** `/boot/ipxe`, and the files that it and UEFI HTTP boot ask for. Needs no operator: it changes nothing. */
export function bootRoutes(app: FastifyInstance, options: BootRoutesOptions): void {
  const { folder, serverUrl, kernelArguments } = options;

  // iPXE comes here by DHCP without its MAC; its own settings add it.
  app.get("/boot/ipxe", async (_request, reply) =>
    reply.type("text/plain").send(`#!ipxe\nchain ${serverUrl}/boot/ipxe/\${net0/mac:hexhyp}\n`),
  );
  app.get<{ Params: { mac: string } }>("/boot/ipxe/:mac", async ({ params }, reply) => {
    const mac = parseMac(params.mac);
    if (mac === undefined) {
      throw new RoomcastError("bad-input", "that is no MAC", "chain to /boot/ipxe");
    }
    options.onBoot(mac);
    const decision = options.decide(mac);
    return reply.type("text/plain").send(ipxeScript({ serverUrl, decision, kernelArguments }));
  });
  app.get<{ Params: { file: string } }>("/boot/:file", async ({ params, method }, reply) => {
    const path = join(folder, params.file);
    const found = files.has(params.file) ? await stat(path).catch(() => undefined) : undefined;
    if (found === undefined) {
      throw new RoomcastError(
        "not-found",
        `there is no boot file ${params.file}`,
        "run `make initrd`",
      );
    }
    reply.type("application/octet-stream").header("content-length", found.size);
    return reply.send(method === "HEAD" ? "" : createReadStream(path, { highWaterMark: 1 << 20 }));
  });
}
