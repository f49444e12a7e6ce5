import { type Command, InvalidArgumentError, Option } from "commander";
import { parsePolicy, policyText } from "../../core/session/policy-text.ts";
import type { RoomChange, RoomView } from "../../core/wire/rooms.ts";

const onOff = (text: string): boolean => {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("It has to be on or off.");
  return text === "on";
};

const growMode = (text: string): string => {
  if (text !== "auto" && text !== "last" && text !== "none")
    throw new InvalidArgumentError("It has to be auto, last or none.");
  return text;
};

const agentOrDisk = (text: string): string => {
  if (text !== "agent" && text !== "local-disk")
    throw new InvalidArgumentError("It has to be agent or local-disk.");
  return text;
};

const whom = (text: string): string => {
  if (!["on-order", "placed", "proven"].includes(text))
    throw new InvalidArgumentError("It has to be on-order, placed or proven.");
  return text;
};

const approveOrFree = (text: string): string => {
  if (text !== "approve" && text !== "free")
    throw new InvalidArgumentError("It has to be approve or free.");
  return text;
};

const orNone = (text: string): string | null => (text === "none" ? null : text);

/** How each setting of a room is set and shown. */
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
    help: "on or off: whether operators may open a shell on its PCs",
    parse: onOff,
    show: ({ settings: { shell } }) => (shell ? "on" : "off"),
  },
  {
    key: "grow",
    flags: "--grow <WHAT>",
    help: "auto, last or none: which partition takes the room of a larger disk: Windows' or Linux' own, the last one, or none",
    parse: growMode,
    show: ({ settings: { grow } }) => grow,
  },
  {
    key: "disk",
    flags: "--disk <POLICY>",
    help: 'which disk is restored, where a PC has several: any (refused), or like transport=nvme,sata model="Samsung*" serial=A,B size=200GB-1TB',
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
    help: "the name of a PC that takes a seat, like lab1-{seat}; none: it keeps its name",
    parse: orNone,
    show: ({ settings: { naming } }) => naming ?? "none",
  },
  {
    key: "idleBoot",
    flags: "--idle-boot <WHAT>",
    help: "agent or local-disk: what an idle PC starts when it boots from the network",
    parse: agentOrDisk,
    show: ({ settings: { idleBoot } }) => idleBoot,
  },
  {
    key: "diskSeconds",
    flags: "--disk-seconds <N>",
    help: "how many seconds (1 to 300) a PC waits for a key before it starts its own disk",
    parse: Number,
    show: ({ settings: { diskSeconds } }) => String(diskSeconds),
  },
  {
    key: "admit",
    flags: "--admit <WHOM>",
    help: "on-order (an order that names a new PC places it), placed (only PCs that an operator has placed get orders) or proven (of those, only PCs with a TPM or a key file)",
    parse: whom,
    show: ({ settings: { admit } }) => admit,
  },
  {
    key: "ask",
    flags: "--ask <WHETHER>",
    help: "approve or free: whether what a PC's menu asks for needs a PIN or an operator's yes",
    parse: approveOrFree,
    show: ({ settings: { ask } }) => ask,
  },
  {
    key: "pin",
    flags: "--pin <PIN>",
    help: "4 to 12 digits that unlock the menus of the PCs, or none",
    parse: orNone,
    show: ({ pin }) => (pin ? "set" : "none"),
  },
  {
    key: "instructorPin",
    flags: "--instructor-pin <PIN>",
    help: "4 to 12 digits that allow captures and casts at the menus, too, or none",
    parse: orNone,
    show: ({ instructorPin }) => (instructorPin ? "set" : "none"),
  },
];

export function addSettingOptions(command: Command): Command {
  for (const { flags, help, parse } of settings) {
    command.addOption(new Option(flags, help).argParser(parse));
  }
  return command;
}

/** A line per setting, in the form that its option takes. */
export const settingLines = (room: RoomView): string[] =>
  settings.map(({ key, show }) => `${key.padEnd(13)}  ${show(room)}`);
