import assert from "node:assert/strict";
import { test } from "node:test";
import { Entries } from "../../../core/cast/entries.ts";
import { Flights } from "../../../core/cast/flights.ts";
import { Receivers } from "../../../core/cast/receivers.ts";
import { Supply } from "../../../core/cast/supply.ts";
import { millis } from "../../../core/units/units.ts";

/** One receiver, which lacks two symbols of the only entry, and has heard packets up to `sequence`. */
function open(sequence: number) {
  const entries = new Entries(Uint32Array.of(14_000));
  const receivers = new Receivers(entries);
  const supply = new Supply(entries, (byteCount) => new Uint8Array(byteCount));
  const flights = new Flights({ receivers, supply, symbolCounts: entries.symbolCounts });
  const member = receivers.add(1, millis(0));
  member.assembling = new Map([[0, Uint16Array.of(2, 5)]]);
  member.sequence = sequence;
  supply.ask(0, "resumed");
  supply.take(0, 14_000, () => {});
  const resume = () => flights.open(0, [member], true, { sequence: 900, now: millis(0) });
  return { flights, member, resume };
}

test("a part is repaired at once if its last packet was reported past, whatever else was sent since", () => {
  const { flights, resume } = open(400);
  flights.noteSent(0, 400);
  assert.deepEqual(resume().state, { name: "repairing", sets: [[2], [5]], nextSet: 0 });
  assert.equal(flights.repairing.length, 1);
});

test("a part of which something may be on its way is waited for, but nothing else", () => {
  const { flights, member, resume } = open(399);
  flights.noteSent(0, 400);
  const flight = resume();
  assert.equal(flight.state.name, "waiting");
  member.sequence = 400;
  flights.noteReport(member);
  assert.equal(flight.state.name, "repairing");
});

test("what was sent of another generation is not waited for", () => {
  const { flights, resume } = open(1);
  flights.noteSent(0, 400);
  flights.forgetSent();
  assert.equal(resume().state.name, "repairing");
});
