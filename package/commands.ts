/** The command line as a tree: what man pages and completion are made of. */
import type { Command, Option } from "commander";
import { plainTerminal, roomcastProgram } from "../client/cli/program.ts";
import { dataFolder } from "../core/node/command-line.ts";

/** The whole command line, of a host where nothing is set. */
export const wholeProgram = (): Command =>
  roomcastProgram(plainTerminal, dataFolder({}), async () => {});

/** The commands below one that are shown in its help. */
export const shownCommands = (command: Command): Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== "help");

/** With its subcommands, and theirs: each with its words, as `pc set`. */
export const withPaths = (
  command: Command,
  words: readonly string[] = [],
): { readonly path: string; readonly command: Command }[] => [
  { path: words.join(" "), command },
  ...shownCommands(command).flatMap((each) => withPaths(each, [...words, each.name()])),
];

/** What an option does, what it may be, and what it is when nobody gives it. */
export function optionText({ description, argChoices, defaultValue }: Option): string {
  const values = argChoices === undefined ? "" : ` One of ${argChoices.join(", ")}.`;
  const isSaid = typeof defaultValue === "string" || typeof defaultValue === "number";
  const usual = isSaid ? ` By default ${defaultValue}.` : "";
  return sentence(description) + values + usual;
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  const capital = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
