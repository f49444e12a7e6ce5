/** What a session that is over is certified as. */
import { RoomcastError } from "../../core/errors.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import type { WipeState } from "../../core/session/kinds/wipe.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import { printableIn } from "../../core/units/printable.ts";
import {
  type Certificate,
  type CertifiedPc,
  certificateFormat,
  certificateVersion,
} from "../../core/wire/certificate.ts";
import type { DiskView, MemberResult, MemberView, SessionView } from "../../core/wire/views.ts";
import type { WipeProof, WipeRecord } from "../../core/wire/wipe.ts";
import type { PcRecord } from "../state/records.ts";
import type { Session } from "./session.ts";

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
  const { kind, orderedBy, image, verify, proof } = substanceOf(session, view);
  return printableIn({
    format: certificateFormat,
    formatVersion: certificateVersion,
    ...{ kind, serverVersion, issuedAt, image, verify },
    session: { id, room, startedAt, endedAt },
    orderedBy: orderedBy ?? null,
    pcs: view.members.map((member) => certifiedPc(member, pc(member.pc), proof)),
  });
}

type Substance = Pick<Certificate, "kind" | "image" | "verify"> & {
  readonly orderedBy: string | undefined;
  /** Of a wipe that was done. */
  readonly proof?: WipeProof | undefined;
};

function substanceOf({ kindName, state }: Session, { id, image }: SessionView): Substance {
  switch (kindName) {
    case "restore": {
      const { spec, image: cast } = state as RestoreState;
      const { orderedBy, verify } = spec;
      const { name, rootHash } = cast;
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
    case "wipe": {
      const { spec, worker } = state as WipeState;
      const { orderedBy } = spec;
      return { kind: kindName, orderedBy, verify: null, image: null, proof: worker.wipe };
    }
    case "capture":
      throw new RoomcastError(
        "conflict",
        `session ${id} is a ${kindName}, which writes no PC's disk`,
        "certificates are of restores, live casts and wipes",
      );
  }
}

function certifiedPc(
  member: MemberView,
  record: PcRecord | undefined,
  proof: WipeProof | undefined,
): CertifiedPc {
  const { pc, name, disk, result, reason, startedAt, endedAt, rootHash, steps, boot } = member;
  return {
    ...{ id: pc, name, reason, startedAt, endedAt, rootHash },
    room: record?.room ?? null,
    seat: record?.seat ?? null,
    macs: record === undefined ? [] : [...record.macs],
    disk: disk === null ? null : diskIn(disk),
    result: resultOf(result, proof),
    // The steps of a wipe are its record in words.
    steps: proof === undefined ? steps.map((step) => ({ ...step, files: [...step.files] })) : [],
    boot: boot === null ? null : { ...boot },
    wipe: proof === undefined ? null : recordOf(proof),
  };
}

const diskIn = ({ model, serial, wwn, size }: DiskView) => ({ model, serial, wwn, size });

/** A member of a session that is over and never began is one that was stopped. */
function resultOf(result: MemberResult, proof: WipeProof | undefined): CertifiedPc["result"] {
  if (result === "pending") return "stopped";
  return proof?.readBack.finding === "unverifiable" ? "done" : result;
}

const recordOf = ({ way, detail, sanitization, readBack }: WipeProof): WipeRecord => ({
  ...{ way, detail, sanitization },
  readBack: { ...readBack },
});
