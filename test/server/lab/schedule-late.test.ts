/** Runs that are kept from their time, and those that are called off. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ScheduleRecord } from "../../../server/state/records.ts";
import { request, World } from "./schedule-world.ts";

const due = "2026-03-02T06:30:00.000Z";
const missed =
  /^not started: its time, 2026-03-02T06:30:00.000Z, was missed by more than an hour; /;

test("a host that slept over the time, or whose clock is set forward, does not make up for it", async () => {
  const world = new World();
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:29:30Z");
  await world.sleepUntil("2026-03-02T10:00:00Z");
  const [listed] = schedule.list();
  assert.match(listed?.last?.outcome ?? "", missed);
  assert.deepEqual([listed?.run, listed?.dueAt], [null, "2026-03-03T06:30:00.000Z"]);
  world.wakes.resolve();
  await world.until("2026-03-03T06:30:00Z");
  assert.deepEqual([world.woken.length, world.restores.length], [1, 1], "the next day it goes on");
});

test("what is late by less than an hour is begun", async () => {
  const world = new World();
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:29:30Z");
  await world.sleepUntil("2026-03-02T07:29:59Z");
  assert.deepEqual(schedule.list()[0]?.run, { stage: "waking", dueAt: due });
});

test("a server that ends while it wakes and is back hours later wakes nobody again", async () => {
  const world = new World();
  world.start().add(request, "ann");
  await world.until("2026-03-02T06:30:10Z");
  assert.equal(world.woken.length, 1);
  world.now = new Date("2026-03-02T10:00:00Z");
  const schedule = world.start();
  assert.match(schedule.list()[0]?.last?.outcome ?? "", missed);
  assert.deepEqual([schedule.list()[0]?.run, world.woken.length], [null, 1]);
});

test("a run that an earlier roomcast began, without its time, goes on", async () => {
  const world = new World();
  world.start().add(request, "ann");
  await world.until("2026-03-02T06:30:10Z");
  const stored = world.stored.get("t1") as ScheduleRecord;
  world.stored.set("t1", { ...stored, run: { stage: "waking" } });
  world.now = new Date("2026-03-02T10:00:00Z");
  world.start();
  assert.equal(world.woken.length, 2);
});

test("a host that sleeps while the room is woken does not restore it hours later", async () => {
  const world = new World();
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:30:10Z");
  world.now = new Date("2026-03-02T10:00:00Z");
  world.wakes.resolve();
  await turn();
  assert.match(schedule.list()[0]?.last?.outcome ?? "", missed);
  assert.deepEqual(world.restores, []);
});

test("nobody is woken when the image was made to fit too late", async () => {
  const world = new World();
  world.fitting = Promise.withResolvers();
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T07:31:00Z");
  assert.deepEqual(schedule.list()[0]?.run, { stage: "fitting", dueAt: due });
  world.fitting.resolve();
  await turn();
  assert.match(schedule.list()[0]?.last?.outcome ?? "", missed);
  assert.deepEqual(world.woken, []);
});

test("one that is taken off the schedule while the room is woken restores nothing", async () => {
  const world = new World();
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:30:10Z");
  schedule.remove("t1");
  assert.equal(
    world.notes.at(-1),
    "schedule t1: its run is cancelled: it was taken off the schedule",
  );
  world.wakes.resolve();
  await turn();
  assert.deepEqual([world.restores, schedule.list()], [[], []]);
});

test("one that goes to another server while its image is made to fit wakes nobody", async () => {
  const world = new World();
  world.fitting = Promise.withResolvers();
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:30:00Z");
  const nothing = { pcs: [], keys: [], schedules: [] };
  schedule.moved({
    folded: "lab",
    move: { name: "came", epoch: 1 },
    removed: { ...nothing, room: null, schedules: ["t1"] },
    saved: { ...nothing, room: null, hostKeys: [] },
  });
  assert.match(world.notes.at(-1) ?? "", /cancelled/);
  world.fitting.resolve();
  await turn();
  assert.deepEqual([world.woken, world.restores, world.unexpected], [[], [], []]);
});

test("one that is taken off the schedule while its session runs tells of no cancelling", async () => {
  const world = new World();
  const schedule = world.start();
  schedule.add(request, "ann");
  world.wakes.resolve();
  await world.until("2026-03-02T06:30:00Z");
  schedule.remove("t1");
  assert.equal(world.restores.length, 1);
  assert.doesNotMatch(world.notes.join(), /cancelled/);
});
