import { Writable } from "node:stream";
import { type DestinationStream, type Logger, pino } from "pino";
import { printable } from "../../core/units/printable.ts";

export type Log = Logger;

/** The server's log on stderr: JSON lines for a journal, plain lines for a person at a terminal. */
export function openLog(isTerminal: boolean): Log {
  return logTo(isTerminal ? plainLines(process.stderr) : jsonLines(pino.destination(2)));
}

/** The same, elsewhere. */
export const logTo = (destination: DestinationStream): Log =>
  pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);

/** JSON has no controls below U+0020, and the others are of no use to who reads it. */
export const jsonLines = (destination: DestinationStream): DestinationStream => ({
  write: (line) => destination.write(`${printable(line.trimEnd())}\n`),
});

export function plainLines(terminal: NodeJS.WritableStream): DestinationStream {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const known = Object.entries(fields).filter(([, value]) => value !== null);
      const said = known.map(([name, value]) => `${name}=${plain(value)}`).join(" ");
      const warning = Number(level) >= 40 ? "! " : "";
      const shown = printable(`${String(time).slice(11, 19)} ${warning}${msg}  ${said}`);
      terminal.write(`${shown}\n`, () => done());
    },
  });
}

function plain(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return "message" in value ? String(value.message) : JSON.stringify(value);
}
