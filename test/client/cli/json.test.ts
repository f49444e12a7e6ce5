/** `--json`: every command prints its result as a document. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "commander";
import { exampleLines } from "../../../client/cli/examples.ts";
import { plainTerminal, roomcastProgram } from "../../../client/cli/program.ts";
import { splitWords } from "../../../client/cli/words.ts";
import { imageOf, memberOf, pcOf, sessionOf } from "../console/fake-lab.ts";
import { ran, room } from "./run-command.ts";

/** Programs of their own, what works on this host and its files, and what other tests look at. */
const others = [
  ...["serve", "agent", "console", "pc shell", "setup", "backup", "restore-backup", "migrate"],
  ...["image import", "image export", "image fit", "image verify", "report check"],
];

const session = sessionOf([memberOf(1, { result: "failed" })], { state: "failed", endedAt: "t" });
const told = { ...room, name: "lab1", server: "one", owner: "one", since: null, running: null };
const there = {
  "/rooms": [{ ...room, name: "lab1" }],
  "/rooms/lab1": { ...room, name: "lab1", seats: [{ name: "A3", column: 0, row: 0, pc: null }] },
  "/rooms/lab1/wake": { alreadyOn: [], came: [], missing: [] },
  "/rooms/lab1/import": { pcs: [] },
  "/pcs": [pcOf(1, { room: "lab1" })],
  "/images": [imageOf(1)],
  "/campus/rooms": [told],
  "/requests": [{ id: "4", name: "pc01", what: "restore", word: "pc01", overwrites: [] }],
  ...{ "/operators": [], "/ssh-keys": [], "/schedule": [], "/sessions": [], "/history": [] },
  ...{ "/sessions/s12": session, "/sessions/s12/retry": session },
  "/pcs/id1/wipe": session,
};

/** As in its examples, but carried out, without waiting for its end, and not what a terminal has to be asked for. */
const linesOf = (leaf: string): string[] => {
  const lines = exampleLines(leaf).filter((line) => line !== "operator password jane");
  return (lines.length === 0 ? [leaf] : lines).map((line) =>
    line.replace(/ --dry-run| --wait(?! \d)| --certificate \S+/g, "").replace(/~\S+/, "id.pub"),
  );
};

const leavesBelow = (command: Command, path: string): string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== "help")
    .flatMap((each) => {
      const full = `${path} ${each.name()}`.trim();
      return each.commands.length === 0 ? [full] : leavesBelow(each, full);
    });
const leaves = leavesBelow(
  roomcastProgram(plainTerminal, "/nowhere", async () => {}),
  "",
);

test("every command prints a document with --json", async () => {
  assert.deepEqual(
    others.filter((each) => !leaves.includes(each)),
    [],
  );
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "roomcast-json-"));
  process.chdir(folder);
  try {
    for (const file of ["lab1.csv", "id.pub", "first-login.sh", "jane.txt"])
      writeFileSync(file, "correct horse\n");
    const silent: string[] = [];
    for (const line of leaves.filter((each) => !others.includes(each)).flatMap(linesOf)) {
      const { documents, error } = await ran(["--yes", "--json", ...splitWords(line)], there);
      // Each wipe has a result of its own.
      const isRight = line.startsWith("pc wipe") ? documents.length > 0 : documents.length === 1;
      if (!isRight) silent.push(`${line}: ${error?.message ?? documents.length}`);
    }
    assert.deepEqual(silent, []);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});
