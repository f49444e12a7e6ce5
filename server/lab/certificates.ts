/** What a session that is over is certified as. */
import { RoomcastError } from "../../core/errors.ts";
import type { LiveState } from "../../core/session/kinds/live-cast.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import { printableIn } from "../../core/units/printable.ts";
import {
  type Certificate,
  type CertifiedBoot,
  type CertifiedPc,
  certificateFormat,
  certificateVersion,
} from "../../core/wire/certificate.ts";
import type { DiskView, MemberView, SessionView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { Session } from "./engine.ts";

export interface CertificatePorts {
  readonly serverVersion: string;
  /** ISO 8601 UTC. */
  readonly issuedAt: string;
  pc(id: string): PcRecord | undefined;
}

/** Throws `conflict` for a session that is under way, and for one that writes no disk. */
export function certificateOf(
  session: Session,
  view: SessionView,
  { serverVersion, issuedAt, pc }: CertificatePorts,
): Certificate {
  const { id, startedAt, endedAt, room } = view;
  if (endedAt === null) {
    throw new RoomcastError(
      "conflict",
      `session ${id} is ${view.state}: nothing of it is certain yet`,
      `wait for its end: roomcast session watch ${id}`,
    );
  }
  const { kind, orderedBy, image, verify } = substanceOf(session, view);
  return printableIn({
    format: certificateFormat,
    formatVersion: certificateVersion,
    ...{ kind, serverVersion, issuedAt, image, verify },
    session: { id, room, startedAt, endedAt },
    orderedBy: orderedBy ?? null,
    pcs: view.members.map((member) => certifiedPc(member, pc(member.pc))),
  });
}

type Substance = Pick<Certificate, "kind" | "image" | "verify"> & {
  readonly orderedBy: string | undefined;
};

function substanceOf({ kindName, state }: Session, { id, image }: SessionView): Substance {
  switch (kindName) {
    case "restore": {
      const { spec } = state as RestoreState;
      const { orderedBy, verify } = spec;
      const { name, rootHash } = spec.image;
      return { kind: kindName, orderedBy, verify, image: { name, rootHash: rootHash || null } };
    }
    case "cast": {
      const { spec, rootHash } = state as LiveState;
      const { orderedBy, verify } = spec;
      return {
        ...{ kind: kindName, orderedBy, verify },
        image: image === null ? null : { name: image, rootHash },
      };
    }
    default:
      throw new RoomcastError(
        "conflict",
        `session ${id} is a ${kindName}, which writes no PC's disk`,
        "certificates are of restores and of live casts",
      );
  }
}

function certifiedPc(member: MemberView, record: PcRecord | undefined): CertifiedPc {
  const { pc, name, disk, result, reason, startedAt, endedAt, rootHash, steps } = member;
  return {
    ...{ id: pc, name, reason, startedAt, endedAt, rootHash },
    room: record?.room ?? null,
    seat: record?.seat ?? null,
    macs: record === undefined ? [] : [...record.macs],
    disk: disk === null ? null : diskIn(disk),
    // In a session that is over nobody is pending.
    result: result === "pending" ? "stopped" : result,
    steps: steps.map((step) => ({ ...step, files: [...step.files] })),
    boot: bootIn(member),
  };
}

const diskIn = ({ model, serial, wwn, size }: DiskView) => ({ model, serial, wwn, size });

/** How the PC came up, in members that tell it. */
const bootIn = (member: MemberView & { readonly boot?: CertifiedBoot | null }) =>
  member.boot ?? null;
