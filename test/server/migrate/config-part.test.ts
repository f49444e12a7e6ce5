/** The campus's part of a configuration: what is asked for, and how it comes into a file that somebody wrote. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { campusOf, decodeConfig } from "../../../server/host/config.ts";
import {
  partText,
  storageOfFile,
  storageOfWords,
  withPart,
} from "../../../server/migrate/config-part.ts";

const storage = {
  ...{ endpoint: "https://s3.example.org", region: "us-east-1", bucket: "roomcast" },
  ...{ accessKeyFile: "/etc/roomcast/s3.access", secretKeyFile: "/etc/roomcast/s3.secret" },
  forcePathStyle: true,
};
const settings = {
  server: "library",
  database: { url: "postgres://roomcast@db/roomcast", passwordFile: "/etc/roomcast/db.secret" },
  ...{ storage, seal: "/etc/roomcast/campus.key" },
};
const part = { settings, isNamed: true };

test("the storage is said in words, or by a file that has it", () => {
  const words = Object.entries(storage).map(([key, value]) => `${key}=${value}`);
  assert.deepEqual(storageOfWords(words), storage);
  const toml = partText(settings, true);
  assert.deepEqual(storageOfFile(toml, "library.toml"), storage);
  const alone = toml.slice(toml.indexOf("[store.s3]\n") + "[store.s3]\n".length);
  assert.deepEqual(storageOfFile(alone, "s3.toml"), storage);
  assert.equal(storageOfWords(words.slice(0, -1)).forcePathStyle, false);
  const usage = { code: "usage", message: /^--s3 does not say what the storage is: / };
  assert.throws(() => storageOfWords(words.slice(1)), usage);
  assert.throws(() => storageOfWords([...words, "secret=x"]), usage);
  assert.throws(() => storageOfWords([...words, "bucket="]), usage);
  assert.throws(() => storageOfFile("[state]\nurl = 'x'\n", "x.toml"), usage);
  assert.throws(() => storageOfFile("{", "x.toml"), { code: "bad-input" });
});

test("a new file has just the part, and it is read as it was meant", () => {
  const text = withPart("", "roomcast.toml", part);
  assert.equal(text, partText(settings, true));
  // Objects that were parsed have no prototype.
  const read = structuredClone(campusOf(decodeConfig(text ?? "", "roomcast.toml")));
  assert.deepEqual(read, {
    ...{ server: "library", database: settings.database, storage },
    ...{ seal: settings.seal, cacheBytes: null },
  });
});

test("what stands in a file stays, with its comments and its order", () => {
  const before = `# Ours.
[server] # of the library
language = "es"

[store]
optimise = "22:00-05:00"   # at night

[[network]]
interface = "eth1"
`;
  const after = withPart(before, "roomcast.toml", part) ?? "";
  for (const line of before.split("\n")) assert(after.includes(line), line);
  const config = structuredClone(decodeConfig(after, "roomcast.toml"));
  assert.deepEqual(config.server, { name: "library", language: "es" });
  assert.deepEqual(config.store, { optimise: "22:00-05:00", seal: settings.seal, s3: storage });
  assert.equal(config.network?.[0]?.interface, "eth1");
  assert.equal(withPart(after, "roomcast.toml", part), null);
});

test("another campus's settings stay, and so does a file that cannot be extended", () => {
  const other = partText({ ...settings, database: { url: "postgres://other/roomcast" } }, true);
  const conflict = (message: RegExp) => ({ code: "conflict", message });
  assert.throws(() => withPart(other, "a.toml", part), conflict(/settings of another campus/));
  const inline = 'store = { optimise = "22:00-05:00" }\n';
  assert.throws(() => withPart(inline, "a.toml", part), conflict(/cannot be put into it/));
  // What looks like a table in a text is none.
  const quoted = '[boot]\nfolder = """\n[store]\n"""\n';
  assert.throws(() => withPart(quoted, "a.toml", part), conflict(/cannot be put into it/));
});
