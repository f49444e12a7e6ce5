/** The agent put together: on a PC that roomcast booted, and on any Linux host. */
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Order } from "../../core/agent/life.ts";
import { RoomcastError } from "../../core/errors.ts";
import { receiversAhead } from "../../core/node/cast/receiver.ts";
import { systemClock } from "../../core/node/clock.ts";
import { DriveHandle } from "../../core/node/drive-calls.ts";
import { PinnedServer } from "../../core/node/pinned.ts";
import { durationText } from "../../core/screen/format.ts";
import type { Candidate } from "../../core/session/target.ts";
import type { Prover } from "../../core/trust/prover.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { Language } from "../../core/wire/language.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { describePath, listDisks } from "../../imaging/disk/disks.ts";
import { usedBy } from "../../imaging/disk/in-use.ts";
import { systemRoots } from "../../imaging/disk/sysfs.ts";
import packageJson from "../../package.json" with { type: "json" };
import { Agent } from "./agent.ts";
import { checkNetwork } from "./check/check.ts";
import { findings } from "./check/findings.ts";
import { listen } from "./check/listen.ts";
import { DiskAnswers } from "./hardware/disk-answers.ts";
import { driveErases } from "./hardware/drive-erases.ts";
import { readFirmware } from "./hardware/firmware.ts";
import { HalfWritten, halfWrittenText } from "./hardware/half-written.ts";
import { askHealth } from "./hardware/health.ts";
import { readIdentity } from "./hardware/identity.ts";
import { describeNic, findUplink, isWireless, type Uplink } from "./hardware/network.ts";
import { storageTroubles } from "./hardware/storage-trouble.ts";
import { openJournal } from "./journal.ts";
import { fileProver, memoryProver } from "./keys.ts";
import { KnownGate } from "./link/gate-place.ts";
import { ServerFiles } from "./link/http.ts";
import type { AgentPorts, AgentVoice } from "./ports.ts";
import { performPower } from "./power.ts";
import { startCapture } from "./tasks/capture.ts";
import type { ReceptionPorts } from "./tasks/reception.ts";
import { startRestore } from "./tasks/restore.ts";
import { startSend } from "./tasks/send.ts";
import type { Task } from "./tasks/task.ts";
import { startWipe } from "./tasks/wipe.ts";
import { tpmDevice } from "./tpm/device.ts";
import { openTpmProver } from "./tpm/prover.ts";

export interface AgentOptions {
  /** `https://ADDRESS:PORT`, known by `pins`; or `http://ADDRESS:PORT`, which is asked for its key once. */
  readonly server: string;
  /** SHA-256 of the server's key, and of the one that takes its place. */
  readonly pins: readonly string[];
  /** Where this host's key is, and beside it what is remembered of servers; null: nowhere. */
  readonly keyFile: string | null;
  /** The files and devices that may be touched, and no others; null: the PC's own disks. */
  readonly disks: readonly string[] | null;
  /** The interface that hears the cast; null: the one that reaches the server. */
  readonly interface: string | null;
  /** The address it registers with; null: that interface's. */
  readonly mac: string | null;
  /** The name it asks for. */
  readonly name: string | null;
  /** No screen: a line an event on stderr. */
  readonly headless: boolean;
  /** Ends after one session. */
  readonly once: boolean;
  /** Operators may open a shell; on a PC that roomcast booted they may anyway. */
  readonly shell?: boolean;
  /** This is a PC that roomcast booted: it may be restarted and switched off. */
  readonly isAppliance?: boolean;
  /** Of the screen, until the server has said which; English. */
  readonly language?: Language;
  /** By how much this PC's clock was behind the server's before it was set; negative: ahead. */
  readonly clockOffSeconds?: number;
  readonly logPath?: string | null;
  readonly milestonesPath?: string | null;
  /** Ends the agent, its task first. */
  readonly signal?: AbortSignal;
  /** Another receiver than the one that hears multicast. */
  readonly startReceiver?: ReceptionPorts["startReceiver"];
}

/** What the firmware's clock said is of no use any more, but why it was wrong is. */
const clockTroubles = (offSeconds: number): string[] =>
  offSeconds === 0
    ? []
    : [
        `This PC's clock was ${offText(Math.abs(offSeconds))} ${offSeconds > 0 ? "slow" : "fast"}; it was set by the server's. ` +
          "Check the battery on its mainboard.",
      ];

const offText = (seconds: number): string =>
  seconds < 172_800 ? durationText(seconds) : `${Math.round(seconds / 86_400)} days`;

/** Longer names than the message takes are cut. */
const nameLimit = 64;

/**
 * Runs an agent; it reconnects for as long as it runs. Answers the exit status: 0 verified or done,
 * 1 failed or stopped, 4 refused. Throws a RoomcastError (`usage`) on options that make no sense.
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  const serverUrl = serverUrlOf(options.server);
  const isAppliance = options.isAppliance ?? false;
  const onScreen = !options.headless && process.stdin.isTTY && process.stdout.isTTY;
  const journal = openJournal({
    onStderr: !onScreen || !process.stderr.isTTY,
    logPath: options.logPath ?? null,
    milestonesPath: options.milestonesPath ?? null,
  });
  // At once: a TPM takes up to some seconds for it, in which the disks are looked at and the server is reached.
  const tpmKey = isAppliance ? openTpmProver(tpmDevice, journal.milestone) : null;
  const prover = proverOf(tpmKey, options.keyFile);
  // A key file that is of no use is said at once, and not at each try to connect.
  if (!isAppliance) await prover;
  const gate = new KnownGate({
    server: serverUrl,
    pins: options.pins,
    pinFile: options.keyFile === null ? null : `${options.keyFile}.server`,
    say: journal.milestone,
  });
  const welcomed = Promise.withResolvers<void>();
  const server = new PinnedServer(() => gate.place());
  const instance = randomUUID();
  const { version } = packageJson;
  const files: AgentPorts["files"] = (signal, grant) => new ServerFiles(server, signal, grant);
  const uplink = (): Promise<Uplink> => findUplink(serverUrl, options.interface);
  // On a PC with one core a thread that starts keeps the menu from coming up.
  const startReceiver = options.startReceiver ?? receiversAhead(welcomed.promise);
  const health = new DiskAnswers(askHealth);
  const erases = driveErases(DriveHandle.open);
  const halfWritten = new HalfWritten();
  const disks = (): DiskView[] =>
    disksOf(options.disks).map((disk) => {
      const facts = erases.of(disk);
      const secureErase = facts === null ? null : facts.erase.kind !== "none";
      return { ...disk, health: health.of(disk), secureErase };
    });
  const candidates = (): Candidate[] =>
    disks().map((disk) => ({ disk, inUse: usedBy(disk.path, systemRoots) }));

  // Several agents on one host are told apart by the addresses they were given, by nothing else.
  const identity = (): Hello["identity"] =>
    options.mac === null || isAppliance ? readIdentity(systemRoots) : identityOf(options.mac);
  const macOf = (uplinkMac: string | null): string => {
    const isCard = uplinkMac !== null && uplinkMac !== noMac;
    return options.mac ?? (isCard ? uplinkMac : (identity().macs[0] ?? noMac));
  };

  const taskOf = (order: Order, voice: AgentVoice): Task => {
    const common = { ...voice, ...journal, candidates };
    switch (order.type) {
      case "restore":
        return startRestore(order, {
          ...common,
          clock: systemClock,
          memoryBytes: totalmem(),
          availableBytes: () => process.availableMemory(),
          files,
          mac: async () => macOf((await uplink()).mac),
          ownsFirmware: isAppliance,
          interfaceAddress: async () => (await uplink()).ip,
          isWireless: async () => isWireless((await uplink()).name, systemRoots),
          startReceiver,
        });
      case "capture":
        return startCapture(order, { ...common, server, agentVersion: version });
      case "cast":
        return startSend(order, {
          ...common,
          server,
          agentVersion: version,
          memoryBytes: totalmem(),
          async uplink() {
            const { name, ip } = await uplink();
            const { speedMbps } = describeNic(name, systemRoots);
            return { address: ip, linkBps: speedMbps === null ? null : speedMbps * 1e6 };
          },
        });
      case "wipe":
        return startWipe(order, { ...common, openDrive: DriveHandle.open });
    }
  };

  const startTask = (order: Order, voice: AgentVoice): Task => {
    journal.log(`order: ${order.type} (${order.session}, attempt ${order.attempt})`);
    const task = taskOf(order, voice);
    task.ended.then(() => {
      if (task.disk !== null) halfWritten.forget(task.disk);
    });
    return task;
  };

  const describe: AgentPorts["describe"] = async () => {
    const { name, ip, mac: uplinkMac } = await uplink();
    const present = disks();
    await Promise.all([
      options.disks === null ? health.ask(present) : null,
      options.disks === null ? erases.ask(present) : null,
      // No restore leaves half of itself on a disk that people carry about.
      halfWritten.look(present.filter(({ protection }) => protection === null)),
    ]);
    return {
      agentVersion: version,
      instance,
      name: options.name?.slice(0, nameLimit) ?? null,
      identity: identity(),
      mac: macOf(uplinkMac),
      ip,
      ...readFirmware(systemRoots),
      nic: describeNic(name, systemRoots),
      disks: disks(),
      memoryBytes: totalmem(),
    };
  };

  const agent = new Agent({
    server,
    serverUrl: serverUrl.origin,
    language: options.language ?? "en",
    prover,
    clock: systemClock,
    journal,
    learnKeys: (keys) =>
      gate.learn(keys).catch((error: unknown) => journal.log(`keys not kept: ${error}`)),
    describe,
    welcomed: welcomed.resolve,
    startTask,
    files,
    check: async function* (signal, grant) {
      const ports = { server, host: serverUrl.host, roots: systemRoots, uplink, grant };
      for await (const measured of checkNetwork(ports, signal)) yield findings(measured);
    },
    listen: (order) => listen(order, { uplink, roots: systemRoots }),
    isHalfWritten: (seen) => seen.some((disk) => halfWritten.has(disk)),
    troubles: (seen) => [
      ...seen.filter((disk) => halfWritten.has(disk)).map(halfWrittenText),
      ...clockTroubles(options.clockOffSeconds ?? 0),
      ...(isAppliance ? storageTroubles(systemRoots, seen.length) : []),
    ],
    lockShell: (isLocked) => {
      if (isAppliance) lockShell(isLocked);
    },
    power: (action) => performPower(action, { isAppliance, journal }),
    openMenu: onScreen
      ? async (onAction) => (await import("../menu/menu.ts")).openMenu({ onAction })
      : null,
    once: options.once,
    shellRefusal:
      isAppliance || options.shell === true
        ? null
        : "this host was not booted by roomcast: its agent opens shells only when started with --shell",
  });
  options.signal?.addEventListener("abort", () => void agent.stop("the agent was ended"));
  try {
    return await agent.run();
  } finally {
    await server.close();
    await (await tpmKey)?.[Symbol.asyncDispose]();
  }
}

/** The TPM's key, else that of the file, else one that is gone with this start of the agent. */
async function proverOf(
  tpmKey: Promise<Prover | null> | null,
  keyFile: string | null,
): Promise<Prover> {
  const tpm = await tpmKey;
  if (tpm !== null) return tpm;
  return keyFile === null ? memoryProver() : fileProver(keyFile);
}

/** `initrd/init/init` offers no shell on the second console while this is there. */
const shellLock = "/run/roomcast/locked";

function lockShell(isLocked: boolean): void {
  if (isLocked) writeFileSync(shellLock, "");
  else rmSync(shellLock, { force: true });
}

/** The loopback's, and that of a host without any network card. */
const noMac = "00:00:00:00:00:00";

const identityOf = (mac: string): Hello["identity"] => ({ uuid: null, serials: [], macs: [mac] });

const disksOf = (named: readonly string[] | null): DiskView[] =>
  named === null
    ? listDisks(systemRoots)
    : named.flatMap((path) => describePath(path, systemRoots) ?? []);

function serverUrlOf(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  }
  throw new RoomcastError(
    "usage",
    `${JSON.stringify(text)} is no server address`,
    "give it as https://ADDRESS:PORT with --pin, or as http://ADDRESS:PORT",
  );
}
