/** Notes of images over the API: who may write them, what is refused, who hears of it, and who does not. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import type { ApiEvent, Role } from "../../../core/wire/api.ts";
import { imageNotesLimit } from "../../../core/wire/image-notes.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import { draftOf, entryOf, mib, write } from "../store/write-image.ts";
import { type Method, openApi, type TestApi } from "./open-api.ts";

const tokens = {} as Record<Role, string>;
const chunk = new Uint8Array(mib).fill(7);
let api: TestApi;
let image = "";
let fitted = "";

before(async () => {
  api = await openApi("tokens");
  for (const role of ["viewer", "operator", "admin"] as const)
    tokens[role] = (await api.operators.add(`a-${role}`, role)).token;
  const origin = await write(api.images, [chunk]);
  image = origin.id;
  const writer = api.images.beginFitted(origin, "1MB");
  await writer.put(entryOf(0, chunk), chunk);
  const index = encodeIndex([entryOf(0, chunk)]);
  fitted = (await writer.commit(draftOf(index, 1), index)).id;
});
after(() => api.close());

const as = (role: Role, method: Method, path: string, body?: unknown) =>
  api.call(method, path, body, tokens[role]);
const notesOf = async (id: string): Promise<unknown> =>
  (await as("viewer", "GET", `/images/${id}`)).body.notes;

test("an operator writes them, a viewer reads them, and who did it is in the history", async () => {
  assert.equal(await notesOf(image), "");
  const text = "Maths labs\nOffice 2024";
  assert.equal((await as("viewer", "PATCH", `/images/${image}`, { notes: text })).status, 403);
  assert.equal(await notesOf(image), "");
  const { status, body } = await as("operator", "PATCH", "/images/lab", { notes: `${text} \n` });
  assert.deepEqual([status, body.id, body.notes], [200, image, text]);
  const all = (await as("viewer", "GET", "/images")).body as ImageView[];
  assert.equal(all.find(({ id }) => id === image)?.notes, text);
  const [last] = api.state.events({ limit: 1000 }).slice(-1);
  assert.equal(last?.image, "lab@1");
  assert.match(
    last?.text ?? "",
    /^a-operator from .*: write notes on an image, notes=Maths labs Office 2024 +$/,
  );
});

test("as many characters as there may be, and no more; and nothing but notes", async () => {
  const longest = "x".repeat(imageNotesLimit);
  assert.equal((await as("operator", "PATCH", "/images/lab", { notes: longest })).status, 200);
  for (const body of [{ notes: `${longest}x` }, { notes: null }, {}, { notes: "a", name: "b" }]) {
    const refused = await as("operator", "PATCH", "/images/lab", body);
    assert.equal(refused.status, 400, JSON.stringify(refused.body));
  }
  const { body } = await as("operator", "PATCH", "/images/lab", { notes: `${longest}x` });
  assert.match(body.message, /^notes is/);
  assert.match(body.next, /2000/);
  assert.equal(await notesOf(image), longest);
  assert.equal((await as("operator", "PATCH", "/images/none", { notes: "a" })).status, 404);
});

test("a fitted version has those of its origin, and whoever watches hears of both", async () => {
  const heard: ApiEvent[] = [];
  const stop = api.lab.announcer.feed.listen((event) => void heard.push(event));
  await as("operator", "PATCH", `/images/${fitted}`, { notes: "for the small disks, too" });
  stop();
  const told = heard.flatMap((event) =>
    event.type === "image" ? [[event.image.id, event.image.notes]] : [],
  );
  const now = "for the small disks, too";
  assert.deepEqual(
    new Map(told as [string, string][]),
    new Map([image, fitted].map((id) => [id, now])),
  );
  assert.equal(await notesOf(image), now);
  assert.equal(await notesOf(fitted), now);
});

test("what staff tell each other is told to no PC", () => {
  const [view] = api.lab.images.viewsAtPcs();
  assert.deepEqual([view?.id, view?.notes], [image, ""]);
  assert.notEqual(api.lab.images.view(api.lab.images.find(image)).notes, "");
});

test("taken away, they are empty", async () => {
  const { body } = await as("operator", "PATCH", "/images/lab", { notes: "" });
  assert.equal(body.notes, "");
  assert.equal(await notesOf(fitted), "");
});
