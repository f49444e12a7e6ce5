/** What a session has beside its state is given back at its end: a writer that stays keeps the store from being swept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "../../../core/units/units.ts";
import { Equipment, type EquipmentPorts } from "../../../server/lab/equipment.ts";
import { beginSession, type Running } from "../../../server/lab/session.ts";
import type { ImageWriter } from "../../../server/store/image-writer.ts";

const stamp = { at: millis(0), iso: "t0" };
const spec = { pc: "a", name: "win", disk: null, raw: false, source: null };

/** The equipment, and the writers that are open. */
function equipment(): { gear: Equipment; open: Set<ImageWriter> } {
  const open = new Set<ImageWriter>();
  const beginImage = (): ImageWriter => {
    const writer = { abort: async () => void open.delete(writer) } as unknown as ImageWriter;
    open.add(writer);
    return writer;
  };
  const ports = { images: { beginImage } } as unknown as EquipmentPorts;
  return { gear: new Equipment(ports), open };
}

/** A capture whose image is in the store. */
function commit(session: Running): void {
  for (const fact of [
    { type: "began", pc: "a" },
    { type: "committed", pc: "a", image: "win@1" },
  ])
    session.state = session.kind.evolve(session.state, fact, stamp);
}

test("a server that is started between a capture's commit and its end opens no other writer for it", () => {
  const { gear, open } = equipment();
  const session = beginSession(1, "capture", spec, stamp);
  commit(session);
  gear.equip(session);
  assert.equal(gear.writerOf(session.id), undefined);
  gear.end(session);
  assert.equal(open.size, 0);
});

for (const isCommitted of [false, true])
  test(`the writer of a capture that has ${isCommitted ? "its" : "no"} image ends with it`, () => {
    const { gear, open } = equipment();
    const session = beginSession(1, "capture", spec, stamp);
    gear.equip(session);
    assert.equal(gear.writerOf(session.id), [...open][0]);
    if (isCommitted) commit(session);
    gear.end(session);
    assert.equal(open.size, 0);
  });
