/** `image note`: what it prints, what it asks the server for, and where the notes are said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageOf, pcOf } from "../console/fake-lab.ts";
import { ran } from "./run-command.ts";

const image = imageOf(3, { name: "win11", notes: "Maths labs\nnot before 1 Sept" });
const bare = { ...image, notes: "" };
const there = { "/images/win11": image, "/images": [image], "/pcs": [pcOf(1)] };

test("without a text it prints the notes, and changes nothing", async () => {
  const { said, calls } = await ran(["image", "note", "win11"], there);
  assert.deepEqual(said, ["Maths labs\nnot before 1 Sept"]);
  assert.deepEqual(calls, []);
  const none = await ran(["image", "note", "win11"], { "/images/win11": bare });
  assert.deepEqual(none.said, ["win11@3 has no notes"]);
});

test("with a text it writes it, and an empty one takes the notes away", async () => {
  const written = await ran(["image", "note", "win11", image.notes], there);
  assert.deepEqual(written.calls, [["PATCH", "/images/win11", { notes: image.notes }]]);
  assert.deepEqual(written.said, ["win11@3: the notes are written"]);
  const removed = await ran(["image", "note", "win11", ""], { "/images/win11": bare });
  assert.deepEqual(removed.calls, [["PATCH", "/images/win11", { notes: "" }]]);
  assert.deepEqual(removed.said, ["win11@3 has no notes"]);
});

test("they are shown with the image, and before the word of a restore", async () => {
  const shown = await ran(["image", "show", "win11"], there);
  const notes = shown.said.filter((line) => line.startsWith("notes: "));
  assert.deepEqual(notes, ["notes: Maths labs", "notes: not before 1 Sept"]);
  const words = ["restore", "win11", "--room", "lab-1"];
  const asked = await ran(words, there);
  assert(asked.shown.includes("Notes on win11@3: Maths labs …"), asked.shown.join("\n"));
  const without = await ran(words, { ...there, "/images/win11": bare });
  assert(without.shown.length > 0 && !without.shown.join().includes("Notes on"));
});
