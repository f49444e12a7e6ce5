/** The help of the command line: nothing in it is left without a sentence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { plainTerminal, roomcastProgram } from "../../../client/cli/program.ts";
import { virtualFormats } from "../../../client/transfer/virtual-disk.ts";

const program = roomcastProgram(plainTerminal, "/var/lib/roomcast", async () => {});

interface Named {
  readonly name: string;
  readonly command: Command;
}

const below = (command: Command, name: string): Named[] =>
  // Not those that only a program calls.
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== "help")
    .flatMap((each) => {
      const full = `${name} ${each.name()}`.trim();
      return [{ name: full, command: each }, ...below(each, full)];
    });
const commands = below(program, "");
const leaves = commands.filter(({ command }) => command.commands.length === 0);

/** The whole help, what is added after it included. */
function helpOf(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (part) => parts.push(part) });
  command.outputHelp();
  return parts.join("");
}

test("every command and every option says what it does", () => {
  assert(leaves.length > 40);
  const silent = [{ name: "roomcast", command: program }, ...commands].flatMap(
    ({ name, command }) => [
      ...(command.description() === "" ? [name] : []),
      ...command.options
        .filter(({ description }) => description === "")
        .map(({ flags }) => `${name} ${flags}`),
    ],
  );
  assert.deepEqual(silent, []);
});

test("every command shows an example", () => {
  const without = leaves.filter(({ command }) => !helpOf(command).includes("\nExamples:\n"));
  assert.deepEqual(
    without.map(({ name }) => name),
    [],
  );
});

test("the help of an export names every format of virtual disks", () => {
  const command = leaves.find(({ name }) => name === "image export")?.command;
  for (const { name } of virtualFormats) assert(command?.description().includes(` .${name}`), name);
});

test("each example is of its command, with options that the command has", () => {
  let count = 0;
  const isGlobal = (option: string | undefined): boolean =>
    program.options.some(({ long }) => long === option);
  for (const { name, command } of leaves) {
    for (const [, whole = ""] of helpOf(command).matchAll(/^ {2}\$ roomcast (.*)$/gm)) {
      count++;
      const line = withoutGlobals(whole, isGlobal);
      assert(`${line} `.startsWith(`${name} `), `${line}: an example of ${name}`);
      const known = [...command.options, ...program.options].map(({ long }) => long);
      for (const [option] of line.matchAll(/(?<= )--[a-z0-9-]+/g)) {
        assert(known.includes(option), `${line}: ${option}`);
      }
    }
  }
  assert(count > 20);
});

/** Without the global options before a command, and their values. */
function withoutGlobals(line: string, isGlobal: (option: string) => boolean): string {
  const words = line.split(" ");
  while (isGlobal(words[0] ?? "")) {
    const option = program.options.find(({ long }) => long === words[0]);
    words.splice(0, option?.required === true ? 2 : 1);
  }
  return words.join(" ");
}

// `setup` and `migrate` take it, too, and destroy nothing.
test("what destroys something takes --dry-run", () => {
  const destroying = [
    ...["restore", "cast", "pc wipe", "pc forget", "image delete", "room delete"],
    "restore-backup",
  ];
  const found = leaves.filter(({ command }) =>
    command.options.some(({ long }) => long === "--dry-run"),
  );
  const names = found
    .map(({ name }) => name)
    .filter((name) => name !== "setup" && name !== "migrate");
  assert.deepEqual(names.sort(), destroying.sort());
});
