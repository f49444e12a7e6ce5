/** No word in the tree switches off what a connection or a download is checked by. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const shipped = globSync(
  ["{bin,boot,client,core,imaging,initrd,server}/**/*", ".ci/*", "Makefile", "package.json"],
  { cwd: root, withFileTypes: true },
)
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1));
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** Of curl and wget, Node, apt and npm. */
const ways = [
  /\bcurl\b[^\n]*\s(-[a-zA-Z]*k\b|--insecure)/,
  /--no-check-certificate/,
  /NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity|strict-ssl/,
  /trusted=yes|--allow-unauthenticated|AllowInsecureRepositories/,
  /"TLSv1(\.[012])?"|\bmaxVersion\b/,
];
/** Switches off Node's own check; the pin is compared in the same place. */
const ownCheck = /rejectUnauthorized|verify:\s*false/;

test("nothing that is shipped, built or advised leaves out a check", () => {
  assert(shipped.length > 250 && shipped.includes("initrd/init/init"), `${shipped.length} files`);
  const docs = globSync(["*.md", "docs/**/*.md"], { cwd: root });
  const found = [...shipped, ...docs, "test/room/room.ts"].flatMap((path) =>
    ways.filter((way) => way.test(textOf(path))).map((way) => `${path}: ${way}`),
  );
  assert.deepEqual(found, []);
});

test("the certificate's own check is replaced in one place, by the pin", () => {
  const replaced = shipped.filter((path) => ownCheck.test(textOf(path)));
  assert.deepEqual(replaced, ["core/node/pin.ts"]);
});
