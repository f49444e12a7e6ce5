/** The manual's pages, made of the command line itself: one for the program and one for each of its commands. */
import type { Command, Option } from "commander";
import { exampleLines } from "../client/cli/examples.ts";
import { optionText, sentence, shownCommands, wholeProgram, withPaths } from "./commands.ts";
import type { Source } from "./contents.ts";

export interface ManPage {
  readonly name: string;
  readonly text: string;
}

export function manPages({ version, epoch }: Pick<Source, "version" | "epoch">): ManPage[] {
  const program = wholeProgram();
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const head = (name: string): string =>
    `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 ${date} "roomcast ${version}" "User Commands"\n`;
  const commands = shownCommands(program);
  return [
    { name: "roomcast.1", text: head("roomcast") + programPage(program, commands) },
    ...commands.map((command) => {
      const name = `roomcast-${command.name()}`;
      return { name: `${name}.1`, text: head(name) + commandPage(command) };
    }),
  ];
}

function programPage(program: Command, commands: readonly Command[]): string {
  const lines = [
    ...section("NAME", [`roomcast \\- ${synopsisOf(program)}`]),
    ...section("SYNOPSIS", [".B roomcast", "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR ..."]),
    ...section("DESCRIPTION", [escaped(program.description())]),
    ...section(
      "COMMANDS",
      commands.flatMap((each) => [
        ".TP",
        `.BR roomcast\\-${escaped(each.name())} (1)`,
        escaped(sentence(each.description())),
      ]),
    ),
    ...section("OPTIONS", program.options.flatMap(optionLines)),
    ...section(
      "EXIT STATUS",
      exitStatuses.flatMap(([status, text]) => [".TP", `.B ${status}`, text]),
    ),
    ...section(
      "FILES",
      files.flatMap(([path, text]) => [".TP", `.I ${path}`, text]),
    ),
    ...section(
      "ENVIRONMENT",
      environment.flatMap(([name, text]) => [".TP", `.B ${name}`, text]),
    ),
    ...section("SEE ALSO", [
      commands.map((each) => `.BR roomcast\\-${escaped(each.name())} (1)`).join(",\n"),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function commandPage(command: Command): string {
  const name = `roomcast-${command.name()}`;
  const [, ...below] = withPaths(command, [command.name()]);
  // A command that only holds others is called by their names alone.
  const isCalled = below.length === 0 || command.registeredArguments.length > 0;
  const called = [
    ...(isCalled ? [{ path: command.name(), command }] : []),
    ...below.filter((each) => shownCommands(each.command).length === 0),
  ];
  const examples = called.flatMap(({ path }) => exampleLines(path));
  const lines = [
    ...section("NAME", [`${escaped(name)} \\- ${synopsisOf(command)}`]),
    ...section(
      "SYNOPSIS",
      called.flatMap((each, index) => [...(index > 0 ? [".br"] : []), usage(each)]),
    ),
    ...section("DESCRIPTION", [escaped(sentence(command.description()))]),
    ...(isCalled ? section("OPTIONS", command.options.flatMap(optionLines)) : []),
    ...section(
      "COMMANDS",
      below
        .filter((each) => shownCommands(each.command).length === 0)
        .flatMap((each) => [
          `.SS ${escaped(each.path)}`,
          usage(each),
          ".PP",
          escaped(sentence(each.command.description())),
          ...each.command.options.flatMap(optionLines),
        ]),
    ),
    ...section(
      "EXAMPLES",
      examples.length === 0
        ? []
        : [".nf", ...examples.map((each) => escaped(`$ roomcast ${each}`)), ".fi"],
    ),
    ...section("SEE ALSO", [".BR roomcast (1),", "with the options that every command takes"]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Nothing for a section in which there is nothing. */
const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`.SH "${title}"`, ...lines];

const usage = ({ path, command }: { readonly path: string; readonly command: Command }): string => {
  const values = command.registeredArguments.map((each) => {
    const name = `${each.name()}${each.variadic ? " ..." : ""}`;
    return each.required ? name : `[${name}]`;
  });
  const options = command.options.length > 0 ? " [\\fIOPTIONS\\fR]" : "";
  const words = values.map((each) => ` \\fI${escaped(each)}\\fR`).join("");
  return `\\fBroomcast ${escaped(path)}\\fR${words}${options}`;
};

function optionLines(option: Option): string[] {
  return [".TP", `.B ${escaped(option.flags)}`, escaped(optionText(option))];
}

/** What `whatis` shows: one line without a full stop. */
const synopsisOf = (command: Command): string => escaped(command.description().replace(/\.$/, ""));

/** groff_char(7), for text in a line of its own. A line that begins with a dot or a quote would be a request. */
export const escaped = (text: string): string =>
  text
    .replaceAll("\\", "\\(rs")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("…", "...")
    .replace(/^\./gm, "\\&.");

const exitStatuses = [
  ["0", "It is done, and every PC that was asked for is verified."],
  ["1", "The work ended with a PC that is not verified, or did not succeed."],
  ["2", "The command line was wrong, or names what is not there."],
  ["3", "The server was not reached."],
  ["4", "A safety rule refused it: no confirmation, an ambiguous disk, a key that nobody knows."],
  ["5", "The input is bad: a corrupt image, a file that cannot be read."],
] as const;

const files = [
  ["/etc/roomcast/roomcast.toml", "The configuration of the server, which roomcast setup writes."],
  ["/var/lib/roomcast", "The state, the keys and the images of the server."],
] as const;

const environment = [
  ["ROOMCAST_DATA", "The folder of the server's state, unless \\-\\-data names it."],
  ["NO_COLOR", "Set to anything: no colours, as with \\-\\-plain."],
] as const;
