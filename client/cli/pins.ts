import { isPin } from "../../core/node/pin.ts";

/**
 * Takes `--pin sha256:…` out of a command line. The parser would take the PIN of `room set … --pin 2468`
 * for a server's key, and only the form of the two tells them apart.
 */
export function takePins(argv: readonly string[]): {
  readonly pins: readonly string[];
  readonly words: readonly string[];
} {
  const pins: string[] = [];
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string;
    const [, joined] = /^--pin=(.*)$/.exec(word) ?? [];
    const value = joined ?? (word === "--pin" ? (argv[at + 1] ?? "") : "");
    if (!isPin(value)) words.push(word);
    else {
      pins.push(value);
      if (joined === undefined) at++;
    }
  }
  return { pins, words };
}
