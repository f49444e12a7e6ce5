/** A PC's keyboard, of the US layout. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Qmp } from "./qmp.ts";

/** Types text; `\n` is the return key. */
export async function type(qmp: Qmp, text: string): Promise<void> {
  for (const character of text) await press(qmp, keysFor(character));
}

/** Presses QEMU's key names together. */
export async function press(qmp: Qmp, keys: readonly string[]): Promise<void> {
  await qmp.execute("send-key", {
    keys: keys.map((data) => ({ type: "qcode", data })),
    "hold-time": 40,
  });
  // QEMU drops keys that come faster than the guest takes them.
  await sleep(90);
}

const namedKeys: Record<string, readonly string[]> = {
  "\n": ["ret"],
  "\t": ["tab"],
  " ": ["spc"],
  "-": ["minus"],
  _: ["shift", "minus"],
  ".": ["dot"],
  ",": ["comma"],
  "/": ["slash"],
  ":": ["shift", "semicolon"],
  ";": ["semicolon"],
  "=": ["equal"],
};

function keysFor(character: string): readonly string[] {
  if (/^[a-z0-9]$/.test(character)) return [character];
  if (/^[A-Z]$/.test(character)) return ["shift", character.toLowerCase()];
  const keys = namedKeys[character];
  if (keys === undefined) throw new Error(`no key for ${JSON.stringify(character)}`);
  return keys;
}
