/**
 * The disk that a name of the kernel's means on a PC, bound when the work is ordered: the same name may be another
 * disk once the PC is started again, and what is tried again takes the disk that it was first meant for.
 */
import type { Input, PcId } from "../../core/session/kind.ts";
import { meantDisk } from "../../core/session/member.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import { diskNamed, meantBy } from "../../core/session/target.ts";
import type { MeantDisk } from "../../core/wire/meant-disk.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";

type Meant = Readonly<Record<PcId, MeantDisk>>;

/** On each of these PCs, as far as it is known; `earlier`: of those that are tried again. */
export const meantOn = (pcs: readonly PcRecord[], named: string | null, earlier: Meant): Meant =>
  entriesOf(pcs, ({ id, hello }) => [id, earlier[id] ?? meantBy(hello.disks, named)]);

/** What the PCs of a session have to take, once they are tried again in another. */
export const meantIn = ({ members }: Receivers): Meant =>
  entriesOf([...members], ([pc, member]) => [pc, meantDisk(member)]);

/** Lets the PC into a session that names this disk. */
export function admission({ id, hello }: PcRecord, named: string | null): Input {
  return { type: "admit", pc: id, ...given(meantBy(hello.disks, named)) };
}

/** Of a PC that works alone. */
export const workDisk = (
  { hello }: PcRecord,
  named: string | null,
): { readonly source: DiskView | null; readonly meant?: MeantDisk } => ({
  source: diskNamed(hello.disks, named),
  ...given(meantBy(hello.disks, named)),
});

const given = (meant: MeantDisk | null): { readonly meant?: MeantDisk } =>
  meant === null ? {} : { meant };

const entriesOf = <T>(all: readonly T[], of: (each: T) => [PcId, MeantDisk | null]): Meant =>
  Object.fromEntries(
    all.flatMap((each) => {
      const [pc, meant] = of(each);
      return meant === null ? [] : [[pc, meant] as const];
    }),
  );
