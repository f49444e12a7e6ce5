/** The help of the command line: nothing in it is left without a sentence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { roomcastProgram } from "../../../client/cli/program.ts";

const program = roomcastProgram("vt100", "/var/lib/roomcast", async () => {});

interface Named {
  readonly name: string;
  readonly command: Command;
}

const below = (command: Command, name: string): Named[] =>
  command.commands.flatMap((each) => {
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

test("a command that takes both arguments and options of its own shows an example", () => {
  const without = leaves.filter(
    ({ command }) =>
      command.registeredArguments.length > 0 &&
      command.options.length > 0 &&
      !helpOf(command).includes("\nExamples:\n"),
  );
  assert.deepEqual(
    without.map(({ name }) => name),
    [],
  );
});

test("each example is of its command, with options that the command has", () => {
  let count = 0;
  for (const { name, command } of leaves) {
    for (const [, line = ""] of helpOf(command).matchAll(/^ {2}\$ roomcast (.*)$/gm)) {
      count++;
      assert(`${line} `.startsWith(`${name} `), `${line}: an example of ${name}`);
      const known = [...command.options, ...program.options].map(({ long }) => long);
      for (const [option] of line.matchAll(/(?<= )--[a-z-]+/g)) {
        assert(known.includes(option), `${line}: ${option}`);
      }
    }
  }
  assert(count > 20);
});
