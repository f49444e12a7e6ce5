import assert from "node:assert/strict";
import { test } from "node:test";
import { Value } from "typebox/value";
import { DriverFile } from "../../../core/wire/personal.ts";

const isPath = (path: string): boolean => Value.Check(DriverFile.properties.path, path);

test("a driver's path stays below its folder, and is one that Windows can have", () => {
  for (const path of ["a.inf", "net/e1d/x64/e1d.sys", "a b/#1 é.sys", ".hidden", "a..b/c"])
    assert.equal(isPath(path), true, path);
  const none = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/..",
    "a\\b",
    "c:a",
    "a.",
  ];
  for (const path of [
    ...none,
    "a ",
    "a\0b",
    "a\nb",
    "a?",
    "a*",
    'a"',
    "<a",
    "a|b",
    "x".repeat(201),
  ])
    assert.equal(isPath(path), false, JSON.stringify(path));
});
