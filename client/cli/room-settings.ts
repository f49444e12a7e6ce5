import { type Command, InvalidArgumentError, Option } from "commander";
import { parsePolicy, policyText } from "../../core/session/policy-text.ts";
import type { RoomChange, RoomView } from "../../core/wire/rooms.ts";

const onOff = (text: string): boolean => {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("on or off");
  return text === "on";
};

const agentOrDisk = (text: string): string => {
  if (text !== "agent" && text !== "local-disk")
    throw new InvalidArgumentError("agent or local-disk");
  return text;
};

const orNone = (text: string): string | null => (text === "none" ? null : text);

/** How a room's settings are set and shown: one line each. */
const settings: readonly {
  readonly key: keyof RoomChange;
  readonly flags: string;
  readonly help: string;
  readonly parse: (text: string) => unknown;
  readonly show: (room: RoomView) => string;
}[] = [
  {
    key: "shell",
    flags: "--shell <ON>",
    help: "on, off: operators may open a shell on its PCs",
    parse: onOff,
    show: ({ settings: { shell } }) => (shell ? "on" : "off"),
  },
  {
    key: "grow",
    flags: "--grow <ON>",
    help: "on, off: the last partition grows to the end of the disk after a restore",
    parse: onOff,
    show: ({ settings: { grow } }) => (grow ? "on" : "off"),
  },
  {
    key: "disk",
    flags: "--disk <POLICY>",
    help: 'largest, or what the disk has: transport=nvme,sata model="Samsung*" serial=A,B size=200GB-1TB',
    parse(text) {
      const policy = parsePolicy(text);
      if (!policy.ok) throw new InvalidArgumentError(policy.reason);
      return policy.value;
    },
    show: ({ settings: { disk } }) => policyText(disk),
  },
  {
    key: "naming",
    flags: "--naming <PATTERN>",
    help: "what a PC is named when it takes a seat, as lab1-{seat}; none: it keeps its name",
    parse: orNone,
    show: ({ settings: { naming } }) => naming ?? "none",
  },
  {
    key: "idleBoot",
    flags: "--idle-boot <WHAT>",
    help: "agent, local-disk: what a PC with nothing to do starts when it boots from the network",
    parse: agentOrDisk,
    show: ({ settings: { idleBoot } }) => idleBoot,
  },
  {
    key: "diskSeconds",
    flags: "--disk-seconds <N>",
    help: "1 to 300: how long a key stops a PC on its way to its own disk",
    parse: Number,
    show: ({ settings: { diskSeconds } }) => String(diskSeconds),
  },
  {
    key: "pin",
    flags: "--pin <PIN>",
    help: "4 to 12 digits that the PCs' menus ask for, or none",
    parse: orNone,
    show: ({ pin }) => (pin ? "set" : "none"),
  },
];

export function addSettingOptions(command: Command): Command {
  for (const { flags, help, parse } of settings) {
    command.addOption(new Option(flags, help).argParser(parse));
  }
  return command;
}

/** A line a setting, as its option has it. */
export const settingLines = (room: RoomView): string[] =>
  settings.map(({ key, show }) => `${key.padEnd(11)}  ${show(room)}`);
