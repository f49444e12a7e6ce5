/** A disk's own command to erase itself: which it has, and how it is given. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { WipeRecord } from "../../core/wire/wipe.ts";
import * as ata from "./ata.ts";
import * as nvme from "./nvme.ts";

/** The disk's commands, as the kernel passes them on. */
export interface DriveCalls {
  /** Of an NVMe disk: the number of the namespace. */
  namespace(): Promise<number>;
  /** The NVMe status: 0 is well. Rejects where the kernel refuses. */
  admin(command: Uint8Array, data: Uint8Array): Promise<number>;
  /** Null: well; else what went wrong, in words. */
  ata(command: ata.AtaCommand): Promise<string | null>;
}

export type Erase =
  | { readonly kind: "sanitize"; readonly action: nvme.SanitizeAction }
  | ({ readonly kind: "format" } & nvme.FormatErase)
  | {
      readonly kind: "ata";
      readonly isEnhanced: boolean;
      readonly isRotational: boolean;
      /** Somebody's, which may be ours of an erase that was cut off. */
      readonly hasPassword: boolean;
      readonly minutes: number | null;
    };

export interface DriveFacts {
  readonly erase: Erase | { readonly kind: "none"; readonly why: string; readonly next: string };
  /** The disk promises that what was discarded reads as zeros. */
  readonly zerosAfterDiscard: boolean;
  /** A person can thaw it while the PC is on. */
  readonly isFrozen?: true;
}

const otherwise = "wipe it with --method zero";
const none = (why: string, next = otherwise, zerosAfterDiscard = false): DriveFacts => ({
  erase: { kind: "none", why, next },
  zerosAfterDiscard,
});

/** What the disk can do; it changes nothing, and never rejects. */
export async function inspectDrive(
  disk: Pick<DiskView, "transport" | "rotational">,
  calls: DriveCalls,
): Promise<DriveFacts> {
  try {
    return await inspected(disk, calls);
  } catch (error) {
    return none(`its controller cannot be asked: ${errorText(error)}`);
  }
}

async function inspected(
  { transport, rotational }: Pick<DiskView, "transport" | "rotational">,
  calls: DriveCalls,
): Promise<DriveFacts> {
  switch (transport) {
    case "nvme":
      return inspectNvme(calls);
    case "sata":
    case "ide":
      return inspectAta(calls, rotational === true);
    case "usb":
      return none(
        "it is behind a USB bridge, which may say that the disk erased itself when it did not",
        `connect it to SATA or NVMe itself, or ${otherwise}`,
      );
    case "file":
      return { ...none("it is a file, and no disk"), zerosAfterDiscard: true };
    default:
      return none(`disks on ${transport ?? "an unknown bus"} have no erase of their own here`);
  }
}

async function inspectNvme(calls: DriveCalls): Promise<DriveFacts> {
  const answer = async (command: Uint8Array): Promise<Uint8Array> => {
    const data = new Uint8Array(nvme.identifyBytes);
    await requireWell(calls, "Identify", command, data);
    return data;
  };
  const nsid = await calls.namespace();
  const controller = nvme.decodeController(await answer(nvme.identifyController()));
  const namespace = nvme.decodeNamespace(await answer(nvme.identifyNamespace(nsid)));
  const all = nvme.decodeNamespaces(await answer(nvme.listNamespaces()));
  const { zerosAfterDiscard } = namespace;
  const isAlone = all.length === 1 && all[0] === nsid;
  const { canBlockSanitize, canCryptoSanitize, canFormat, canCryptoFormat } = controller;
  const found = (erase: Erase): DriveFacts => ({ erase, zerosAfterDiscard });
  // A sanitize reaches all namespaces, always.
  if (isAlone && canBlockSanitize) return found({ kind: "sanitize", action: "block" });
  if (isAlone && canCryptoSanitize) return found({ kind: "sanitize", action: "crypto" });
  if (canFormat && (isAlone || !controller.formatsAll)) {
    const { keep } = namespace;
    return found({ kind: "format", nsid, keep, isCrypto: canCryptoFormat });
  }
  const why = isAlone
    ? "it has neither Sanitize nor Format NVM"
    : `its ways to erase itself reach its other namespaces too (${all.length})`;
  return none(why, otherwise, zerosAfterDiscard);
}

async function inspectAta(calls: DriveCalls, isRotational: boolean): Promise<DriveFacts> {
  const found = await identifyAta(calls);
  if (found === null) return none("it does not say what it can");
  const { zerosAfterDiscard, hasEnhanced: isEnhanced, isEnabled: hasPassword, minutes } = found;
  const not = (why: string, next?: string): DriveFacts => none(why, next, zerosAfterDiscard);
  if (!found.isSupported) return not("it has no ATA security commands");
  if (found.isFrozen) {
    const facts = not(
      "the PC's firmware has frozen the disk's security commands",
      "suspend the PC and wake it, or take the disk's power plug out and in while the PC is on; then wipe it again",
    );
    return { ...facts, isFrozen: true };
  }
  if (found.isExpired)
    return not("it takes no more passwords", "switch the PC off and on, then wipe it again");
  return {
    erase: { kind: "ata", isEnhanced, isRotational, hasPassword, minutes },
    zerosAfterDiscard,
  };
}

async function identifyAta(calls: DriveCalls): Promise<ata.AtaSecurity | null> {
  const command = ata.identify();
  return (await calls.ata(command)) === null ? ata.decodeIdentify(command.data) : null;
}

export interface ErasePorts {
  readonly calls: DriveCalls;
  /** Seconds of a clock that only goes forward. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** 0…1, as far as the disk tells it. */
  progress(fraction: number): void;
}

type Done = Omit<WipeRecord, "readBack">;

/** Erases all of the disk. Once begun it cannot be stopped. Rejects with `failed` and `refused`. */
export function secureErase(erase: Erase, ports: ErasePorts): Promise<Done> {
  switch (erase.kind) {
    case "sanitize":
      return sanitize(erase.action, ports);
    case "format":
      return format(erase, ports);
    case "ata":
      return eraseAta(erase, ports);
  }
}

/** How often a disk is asked how far it is, in milliseconds; and how long it may take, in seconds. */
const askEveryMs = 2000;
const eraseLimitSeconds = 24 * 3600;

async function sanitize(action: nvme.SanitizeAction, ports: ErasePorts): Promise<Done> {
  const { calls, now, sleep, progress } = ports;
  await requireWell(calls, "Sanitize", nvme.sanitize(action), new Uint8Array(0));
  for (const until = now() + eraseLimitSeconds; now() < until; await sleep(askEveryMs)) {
    const log = new Uint8Array(nvme.sanitizeLogBytes);
    await requireWell(calls, "Get Log Page", nvme.sanitizeLog(), log);
    const found = nvme.decodeSanitizeLog(log);
    if (found.state === "running") progress(found.fraction);
    else if (found.state === "done") {
      const how = action === "block" ? "block erase" : "cryptographic erase";
      // NIST SP 800-88 Rev. 2, section 3.1.2: dedicated sanitize commands, by block or cryptographic erase.
      return { way: "nvme-sanitize", sanitization: "purge", detail: `NVMe Sanitize, ${how}` };
    } else
      throw failed(
        "Sanitize",
        `the disk says that it ${found.state === "failed" ? "failed" : "never began"}`,
      );
  }
  throw failed("Sanitize", `it did not end within ${eraseLimitSeconds / 3600} hours`);
}

async function format(erase: nvme.FormatErase, { calls }: ErasePorts): Promise<Done> {
  await requireWell(calls, "Format NVM", nvme.format(erase), new Uint8Array(0));
  const how = erase.isCrypto ? "cryptographic erase" : "user data erase";
  // NIST SP 800-88 Rev. 1, table A-8: either of them, of NVM Express SSDs.
  return { way: "nvme-format", sanitization: "purge", detail: `NVMe Format NVM, ${how}` };
}

/** A disk that says how long it takes gets four times that. */
const timeoutMs = (minutes: number | null): number =>
  Math.min(eraseLimitSeconds * 1000, minutes === null ? Infinity : 4 * minutes * 60_000 + 600_000);

async function eraseAta(
  { isEnhanced, isRotational, hasPassword, minutes }: Extract<Erase, { kind: "ata" }>,
  { calls, now, sleep, progress }: ErasePorts,
): Promise<Done> {
  const give = async (command: ata.AtaCommand): Promise<void> => {
    const fault = await calls.ata(command);
    if (fault !== null) throw failed(command.name, fault);
  };
  if (!hasPassword) await give(ata.setPassword());
  try {
    await give(ata.prepareErase());
    const erasing = give(ata.eraseUnit(isEnhanced, timeoutMs(minutes)));
    const ending = new AbortController();
    const told = tellTime({ minutes, now, sleep, progress }, ending.signal);
    await erasing.finally(() => ending.abort());
    await told;
  } catch (error) {
    // A disk that stays locked is of no use to anybody.
    const stays = await calls.ata(ata.disablePassword());
    if (hasPassword && stays !== null) {
      throw new RoomcastError(
        "refused",
        "the disk has a password that roomcast did not set",
        "remove it where it was set, in the firmware's setup or with hdparm, then wipe it again",
        { cause: error },
      );
    }
    throw error;
  }
  if ((await identifyAta(calls))?.isEnabled !== false)
    throw failed("SECURITY ERASE UNIT", "the disk still has its password afterwards");
  // NIST SP 800-88 Rev. 1, tables: the enhanced erase purges a magnetic disk; flash, each erase only clears.
  const sanitization = isEnhanced && isRotational ? "purge" : "clear";
  const how = isEnhanced ? "enhanced" : "normal";
  return { way: "ata-secure-erase", sanitization, detail: `ATA SECURITY ERASE UNIT, ${how} mode` };
}

/** The disk answers nothing while it erases itself: its own estimate is all there is. */
async function tellTime(
  estimate: Pick<ErasePorts, "now" | "sleep" | "progress"> & { readonly minutes: number | null },
  signal: AbortSignal,
): Promise<void> {
  const { minutes, now, sleep, progress } = estimate;
  const began = now();
  while (minutes !== null && !signal.aborted) {
    progress(Math.min(0.99, (now() - began) / (minutes * 60)));
    await sleep(askEveryMs);
  }
}

async function requireWell(
  calls: DriveCalls,
  name: string,
  command: Uint8Array,
  data: Uint8Array,
): Promise<void> {
  const status = await calls.admin(command, data);
  if (status !== 0) throw failed(name, `NVMe status 0x${status.toString(16)}`);
}

const failed = (command: string, why: string): RoomcastError =>
  new RoomcastError(
    "failed",
    `${command} did not succeed: ${why}`,
    "the disk may be erased in part: wipe it again, or with --method zero",
  );
