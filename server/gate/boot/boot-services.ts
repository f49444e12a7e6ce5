import { existsSync } from "node:fs";
import { join } from "node:path";
import { neededFiles, signedFiles, siteFiles } from "../../../core/boot/boot-files.ts";
import type { BootGate, BootPlan } from "../../../core/boot/boot-menu.ts";
import type { Loads } from "../../../core/boot/dhcp-action.ts";
import type { DhcpSeats } from "../../../core/boot/dhcp-seats.ts";
import { grubScript, grubScriptName } from "../../../core/boot/grub-script.ts";
import { secureBootRequest } from "../../../core/boot/secure-boot.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import type { DhcpStatus } from "../../../core/wire/api.ts";
import type { Config } from "../../host/config.ts";
import { interfaceMtu } from "../../host/interface-mtu.ts";
import type { Log } from "../../host/log.ts";
import type { Announcer } from "../../lab/announcer.ts";
import type { StartingPcs } from "../../lab/starting-pcs.ts";
import type { StateStore } from "../../state/state-store.ts";
import { BootHints } from "./boot-hints.ts";
import { bootKernels, kernelsFor } from "./boot-kernels.ts";
import { BootLog } from "./boot-log.ts";
import type { BootRoutesOptions } from "./boot-routes.ts";
import { type DhcpServiceOptions, startDhcpService } from "./dhcp-service.ts";
import { startTftpListener } from "./tftp-listener.ts";

export interface BootServicesOptions {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
  readonly serverUrl: string;
  gate(): BootGate;
  readonly folder: string;
  readonly boot: NonNullable<Config["boot"]>;
  readonly dhcp: Pick<DhcpServiceOptions, "wanted" | "config" | "relayed">;
  readonly state: StateStore;
  readonly lab: {
    readonly starting: StartingPcs;
    readonly dhcpSeats: DhcpSeats;
    readonly announcer: Pick<Announcer, "note">;
  };
  /** What is wrong now, all of it, in words. */
  warn(texts: readonly string[]): void;
  readonly log: Log;
}

export interface BootServices extends AsyncDisposable {
  /** For the routes of `/boot/`. */
  readonly forRoutes: BootRoutesOptions;
  /** For people: what listens where. */
  readonly listeners: readonly string[];
  dhcpStatus(): DhcpStatus;
  /** The PCs whose network boot does not go on, a line each. */
  readonly pcTroubles: readonly string[];
}

/**
 * Starts DHCP where it is wanted, and TFTP wherever there are boot files (another DHCP server may name
 * us); answers what the HTTP routes of `/boot/` need.
 */
export async function startBootServices(options: BootServicesOptions): Promise<BootServices> {
  const { address, folder, dhcp, log, lab, gate } = options;
  const listeners: string[] = [];
  await using opened = new AsyncDisposableStack();
  const told = new BootLog(log, () => performance.now());
  const onError = (error: Error): void => told.failed(error);
  const lacking = (files: readonly string[]): string[] =>
    files.filter((file) => !existsSync(join(folder, file)));
  const missing = lacking(neededFiles);
  if (missing.length > 0) {
    const lack = bootFilesLack(folder, missing);
    if (dhcp.wanted !== "off") throw lack;
    log.warn({ next: lack.next }, `no PC can boot from here: ${lack.message}`);
  }
  const offered = bootKernels(folder, options.boot);
  const hasMemtest = existsSync(join(folder, "memtest.bin"));
  const plan = (mac: MacAddress): BootPlan => {
    const { memoryBytes, ...decision } = lab.starting.boots.decide(mac);
    const kernels = kernelsFor(offered, memoryBytes);
    return { serverUrl: options.serverUrl, gate: gate(), mac, ...decision, kernels, hasMemtest };
  };
  const hints = new BootHints({
    now: () => performance.now(),
    hint: (mac) => lab.starting.askedForBootFiles(mac),
    onError,
  });
  const now = () => millis(performance.now());
  const asked = (mac: MacAddress, kernel: Loads | null): void => {
    service.courses.gotScript(mac, kernel, now());
    hints.asked(mac);
  };
  const fetches = (client: string, file: string): void =>
    service.courses.fetches(client, file, now());
  const hasOwnImage = options.boot.secureBootImage === true;
  if (hasOwnImage) requireOwnImage(folder, lacking(siteFiles));
  /** The file that a PC gets in its own folder of the Secure Boot image; undefined: it asks for something else. */
  const secureFile = (path: string): string | undefined => {
    const request = hasOwnImage ? secureBootRequest(path) : undefined;
    if (request === undefined) return undefined;
    const file = request.file(lab.starting.boots.decide(request.mac).decision);
    if (request.isSecondStage) asked(request.mac, null);
    return file;
  };
  const unsigned = hasOwnImage ? [] : lacking(signedFiles);
  if (missing.length === 0 && unsigned.length > 0) {
    const { message, next } = bootFilesLack(folder, unsigned);
    log.warn({ next }, `no PC with Secure Boot can boot from here: ${message}`);
  }
  const service = opened.use(
    await startDhcpService({
      ...options,
      ...dhcp,
      signed: hasOwnImage ? "image" : unsigned.length === 0 ? "shim" : null,
      isSecureBootOff: (mac) => lab.starting.isSecureBootOff(mac),
      told,
      bootUuids: lab.starting.uuids,
      seats: lab.dhcpSeats,
      troubles: {
        trouble: (mac, text) => lab.starting.troubles.tell(options.interfaceName, mac, text),
        nameOf: (mac) => lab.starting.troubles.nameOf(mac),
      },
      asked: (mac, who) => lab.starting.proofs.heardDhcp(mac, who),
      note: (text) => lab.announcer.note({}, text),
      onError,
    }),
  );
  listeners.push(...service.listeners);
  if (missing.length === 0) {
    opened.use(
      await startTftpListener({
        address,
        port: 69,
        folder,
        made: (name) => {
          const path = secureFile(name);
          if (path !== undefined) return { path };
          const mac = parseMac(grubScriptName.exec(name)?.[1] ?? "");
          if (mac === undefined) return undefined;
          const made = plan(mac);
          asked(mac, kernelOf(made, "TFTP"));
          return { text: grubScript(made) };
        },
        mtu: () => interfaceMtu(options.interfaceName),
        macAt: (client) => service.courses.macAt(client),
        onRequest: fetches,
        onFact(fact) {
          told.tftp(fact);
          if (fact.outcome === "given-up")
            service.courses.stoodStill(fact.client, fact.file, now());
        },
        onError,
      }),
    );
    listeners.push(`TFTP ${address}:69`);
  }
  const kept = opened.move();
  return {
    listeners,
    dhcpStatus: () => service.status(),
    get pcTroubles() {
      return service.pcTroubles;
    },
    forRoutes: {
      ...{ folder, serverUrl: options.serverUrl, gate, plan, fetches, secureFile },
      asked: (mac, made) => asked(mac, kernelOf(made, "HTTP")),
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** What a PC is to load next by this plan. */
const kernelOf = ({ decision, kernels: [kernel] }: BootPlan, by: Loads["by"]): Loads | null =>
  decision === "agent" ? { by, file: kernel.vmlinuz } : null;

const bootFilesLack = (folder: string, missing: readonly string[]): RoomcastError =>
  new RoomcastError(
    "not-found",
    `${folder} lacks ${missing.join(", ")}`,
    "make the boot image with `make initrd`, or name its folder in the configuration",
  );

function requireOwnImage(folder: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new RoomcastError(
    "not-found",
    `[boot] secureBootImage is true, and ${folder} lacks ${missing.join(", ")}`,
    "make the image with `make secure-boot-image`, or take the setting out",
  );
}
