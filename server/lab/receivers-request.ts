import { randomInt } from "node:crypto";
import type { Manifest } from "../../core/image/types.ts";
import type { ReceiversSpec } from "../../core/session/kinds/restore.ts";
import type { CastPlace } from "../../core/wire/cast-address.ts";
import type { FitMode } from "../../core/wire/fit-size.ts";
import type { MeantDisk } from "../../core/wire/meant-disk.ts";
import type { PcRecord } from "../state/records.ts";
import { meantOn } from "./meant-disks.ts";

/** To whom, and how: of restores and live casts. */
export interface ReceiversRequest
  extends Omit<ReceiversSpec, "cast" | "pcs" | "startTimeoutMs" | "proveBootMs"> {
  readonly pcs: readonly PcRecord[];
  readonly startTimeoutSeconds: number | null;
  /** How long a verified PC may take to be seen to come up; null: nobody waits for that. */
  readonly proveBootSeconds: number | null;
}

export interface RestoreRequest extends ReceiversRequest {
  readonly image: Manifest;
  /** Those of `pcs` that are first; the others wait for them. */
  readonly canary: readonly PcRecord[];
  readonly fit: FitMode;
  /** The size of the disk for which a version of `image` is made first; null: none is. */
  readonly fitTo: number | null;
}

export interface CastRequest extends ReceiversRequest {
  readonly sender: PcRecord;
  readonly saveAs: string | null;
  /** The disk to read; null: as the agent chooses. */
  readonly sourceDisk: string | null;
  /** What `sourceDisk` was at first, of one that is tried again. */
  readonly sourceMeant?: MeantDisk;
  readonly raw: boolean;
}

/** As session `number` has it. */
export function receiversSpec(request: ReceiversRequest, number: number): ReceiversSpec {
  const { room, disk, failingDisks, delta, verify, afterwards, personalise, start } = request;
  const { pcs, startTimeoutSeconds, proveBootSeconds, orderedBy } = request;
  return {
    ...{ room, disk, failingDisks, delta, verify, afterwards, personalise, start },
    pcs: pcs.map(({ id }) => id),
    meant: meantOn(pcs, disk, request.meant ?? {}),
    ...(orderedBy === undefined ? {} : { orderedBy }),
    startTimeoutMs: startTimeoutSeconds === null ? null : startTimeoutSeconds * 1000,
    proveBootMs: proveBootSeconds === null ? null : proveBootSeconds * 1000,
    cast: castPlace(number),
  };
}

/** Of a tag's bits, those that tell a server's sessions apart; chance tells them from those of others and from earlier ones. */
const tagSessions = 1024;

/**
 * Where session `number` casts: a group of its own in the organisation-local scope (RFC 2365) whose
 * Ethernet address is not that of a link-local group, which switches would flood.
 */
function castPlace(number: number): CastPlace {
  return {
    tag: randomInt(2 ** 32 / tagSessions) * tagSessions + (number % tagSessions),
    group: `239.77.${1 + (Math.floor(number / 254) % 254)}.${1 + (number % 254)}`,
    port: 7400 + (number % 1000),
  };
}
