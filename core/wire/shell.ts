/**
 * A shell on a PC: an operator's terminal, through the server, on the PC's own connection. Its bytes
 * are `bulkKind.shell` frames between server and agent, with the shell's number as tag, and binary
 * frames between server and operator; text frames there are these messages.
 */
import { type Static, Type } from "typebox";
import { nullable } from "./nullable.ts";

/** The most shells that a PC has at once. */
export const shellsLimit = 4;
/** What an agent sends ahead of the operator's terminal, in bytes: a screen that scrolls fast, and little memory. */
export const shellWindow = 256 * 1024;
/** The longest frame of what is typed or pasted. */
export const shellInputLimit = 64 * 1024;

const side = Type.Integer({ minimum: 1, maximum: 1000 });
export const ShellSize = Type.Object({ columns: side, lines: side });
export type ShellSize = Static<typeof ShellSize>;

const number = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });

/** A TERM, as terminfo names terminals. */
export const TerminalName = Type.String({
  pattern: "^[A-Za-z0-9.+_-]{1,64}$",
  description: "the name of a terminal, as in xterm-256color",
});

/** The server's words to the agent. */
export const ShellOrder = Type.Union([
  Type.Object({
    type: Type.Literal("shell-open"),
    shell: number,
    /** Who opens it: shown and logged at the PC. */
    operator: Type.String({ maxLength: 64 }),
    /** The operator's TERM. */
    term: TerminalName,
    ...ShellSize.properties,
  }),
  Type.Object({ type: Type.Literal("shell-resize"), shell: number, ...ShellSize.properties }),
  /** This many bytes have reached the operator, and as many more may be sent. */
  Type.Object({
    type: Type.Literal("shell-credit"),
    shell: number,
    bytes: Type.Integer({ minimum: 1, maximum: shellWindow }),
  }),
  Type.Object({ type: Type.Literal("shell-close"), shell: number }),
]);
export type ShellOrder = Static<typeof ShellOrder>;

const ended = {
  /** The shell's own exit status; null when it did not come to that. */
  status: nullable(Type.Integer()),
  reason: nullable(Type.String({ maxLength: 1024 })),
};

/** The agent's last word of a shell. */
export const ShellEnded = Type.Object({
  type: Type.Literal("shell-ended"),
  shell: number,
  ...ended,
});
export type ShellEnded = Static<typeof ShellEnded>;

/** From the operator's terminal. */
export const ShellResize = Type.Object({ type: Type.Literal("resize"), ...ShellSize.properties });
/** To the operator's terminal, at the end. */
export const ShellOver = Type.Object({ type: Type.Literal("ended"), ...ended });
export type ShellOver = Static<typeof ShellOver>;
