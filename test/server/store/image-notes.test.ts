/** Notes of images in the store: what is kept of them, until when, and what a crash or a stranger leaves. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { imageNotesLimit } from "../../../core/wire/image-notes.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { mib, write } from "./write-image.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "roomcast-notes-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const chunk = (byte: number): Uint8Array => new Uint8Array(mib).fill(byte);
const filesOf = (id: string): string[] =>
  readdirSync(join(directory, "images")).filter((name) => name.startsWith(id));

test("notes are there when the store is opened again, are changed, taken away, and gone with their image", async () => {
  const [first, second] = [{ id: "" }, { id: "" }];
  {
    await using store = await openImageStore(directory);
    first.id = (await write(store, [chunk(1)])).id;
    second.id = (await write(store, [chunk(2)])).id;
    assert.equal(store.notes(first.id), "");
    await store.writeNotes(first.id, "Maths labs\nOffice 2024");
    await store.writeNotes(second.id, "Physics");
    await store.writeNotes(second.id, "Chemistry");
  }
  {
    await using store = await openImageStore(directory);
    assert.equal(store.notes(first.id), "Maths labs\nOffice 2024");
    assert.equal(store.notes(second.id), "Chemistry");
    await store.writeNotes(second.id, " \n");
    assert.equal(store.notes(second.id), "");
    assert.deepEqual(filesOf(second.id), [`${second.id}.index`, `${second.id}.json`]);
    await store.delete(first.id);
    assert.deepEqual(filesOf(first.id), []);
    await assert.rejects(store.writeNotes(first.id, "late"), { code: "not-found" });
    assert.deepEqual(filesOf(first.id), []);
  }
  await using store = await openImageStore(directory);
  assert.equal(store.notes(second.id), "");
});

test("changes that come at once are done one after another, and none is left of an image that goes meanwhile", async () => {
  await using store = await openImageStore(directory);
  const { id } = await write(store, [chunk(1)]);
  await Promise.all(["a", "b", "c"].map((text) => store.writeNotes(id, text)));
  assert.equal(readFileSync(join(directory, "images", `${id}.notes`), "utf8"), "c");
  const changes = ["d", "e"].map((text) => store.writeNotes(id, text));
  const deleted = store.delete(id);
  await Promise.allSettled([...changes, deleted, store.writeNotes(id, "f")]);
  await deleted;
  assert.deepEqual(filesOf(id), []);
  assert.equal(store.notes(id), "");
});

test("what is kept is lines of what can be seen", async () => {
  await using store = await openImageStore(directory);
  const { id } = await write(store, [chunk(1)]);
  await store.writeNotes(id, "\n\nFür Mathe \t\r\n\r\n\u001b[2JOffice\u202e 2024  \n\n");
  assert.equal(store.notes(id), "Für Mathe\n\n?[2JOffice? 2024");
});

test("of notes whose image is gone nothing is left, and what else is written into the file does no harm", async () => {
  const path = (name: string): string => join(directory, "images", name);
  let id = "";
  {
    await using store = await openImageStore(directory);
    ({ id } = await write(store, [chunk(1)]));
  }
  writeFileSync(path("0123456789abcdef.notes"), "of an image that a crash deleted by half");
  writeFileSync(path(`${id}.notes.new`), "half wri");
  writeFileSync(path(`${id}.notes`), Buffer.from(`\x1b\xff${"x".repeat(3 * imageNotesLimit)}`));
  await using store = await openImageStore(directory);
  assert.deepEqual(store.problems, []);
  const kept = ["index", "json", "notes"].map((ending) => `${id}.${ending}`);
  assert.deepEqual(readdirSync(join(directory, "images")), kept);
  assert.match(store.notes(id), /^\?.x+$/);
  assert.equal(store.notes(id).length, imageNotesLimit);
});
