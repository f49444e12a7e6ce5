import { Writable } from "node:stream";
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** The server's log on stderr: JSON lines for a journal, plain lines for a person at a terminal. */
export function openLog(isTerminal: boolean): Log {
  const destination = isTerminal ? plainLines(process.stderr) : pino.destination(2);
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

function plainLines(terminal: NodeJS.WritableStream): DestinationStream {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const known = Object.entries(fields).filter(([, value]) => value !== null);
      const said = known.map(([name, value]) => `${name}=${plain(value)}`).join(" ");
      const warning = Number(level) >= 40 ? "! " : "";
      terminal.write(`${String(time).slice(11, 19)} ${warning}${msg}  ${said}\n`, () => done());
    },
  });
}

function plain(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return "message" in value ? String(value.message) : JSON.stringify(value);
}
