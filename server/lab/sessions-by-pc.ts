/** The sessions under way by the PCs that they know, so that what one PC does costs no look at every session. */
import type { PcId } from "../../core/session/kind.ts";
import type { Running } from "./session.ts";

export class SessionsByPc {
  private readonly byPc = new Map<PcId, Set<Running>>();

  /** The session knows these PCs from here on, until they are removed. */
  add(session: Running, pcs: Iterable<PcId>): void {
    for (const pc of pcs) {
      const found = this.byPc.get(pc);
      if (found === undefined) this.byPc.set(pc, new Set([session]));
      else found.add(session);
    }
  }

  /** The session knows none of these any more; where none are named, nobody at all. */
  remove(session: Running, pcs: Iterable<PcId> = session.kind.pcs(session.state)): void {
    for (const pc of pcs) {
      const found = this.byPc.get(pc);
      found?.delete(session);
      if (found?.size === 0) this.byPc.delete(pc);
    }
  }

  of(pc: PcId): ReadonlySet<Running> {
    return this.byPc.get(pc) ?? none;
  }
}

const none: ReadonlySet<Running> = new Set();
