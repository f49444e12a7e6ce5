/** Text as nobody should be shown it, and what nobody should be shown of it. */
import assert from "node:assert/strict";
import fc from "fast-check";

/** By number and not by class, as the code has it; first and last code points. */
const harmful: readonly (readonly [first: number, last: number])[] = [
  // C0, DEL and C1: escape sequences begin with these, and lines end.
  ...([
    [0x00, 0x1f],
    [0x7f, 0x9f],
    [0x2028, 0x2029],
  ] as const),
  // Marks of direction, and embeddings and isolates that turn what follows.
  ...([
    [0x061c, 0x061c],
    [0x200e, 0x200f],
    [0x202a, 0x202e],
    [0x2066, 0x206f],
  ] as const),
  // What has no width or is not seen.
  ...([
    [0xad, 0xad],
    [0x034f, 0x034f],
    [0x115f, 0x1160],
    [0x180b, 0x180f],
    [0x200b, 0x200d],
  ] as const),
  ...([
    [0x2060, 0x2064],
    [0x3164, 0x3164],
    [0xfe00, 0xfe0f],
    [0xfeff, 0xfeff],
    [0xffa0, 0xffa0],
  ] as const),
  // Halves of a pair, private use, tags.
  ...([
    [0xd800, 0xdfff],
    [0xe000, 0xf8ff],
    [0xe0000, 0xe0fff],
    [0xf0000, 0x10ffff],
  ] as const),
];
const isMark = (point: number): boolean => point >= 0x0300 && point <= 0x036f;

/** Fails on a text that could do harm where it is shown as one line. */
export function assertHarmless(text: string): void {
  const points = [...text].map((character) => character.codePointAt(0) ?? 0);
  for (const [at, point] of points.entries()) {
    const found = harmful.some(([first, last]) => point >= first && point <= last);
    assert(!found, `U+${point.toString(16)} in ${JSON.stringify(text)}`);
    assert(!points.slice(at, at + 3).every(isMark) || points.length < at + 3, "a pile of accents");
  }
}

/** Parts that have done harm elsewhere. */
const parts = [
  ...["\u001b[2J", "\u001b]0;owned\u0007", "\u001b]52;c;cm0=\u0007", "\u009b1m", "\u0090q\u009c"],
  ...[
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ue000",
    "\ud800",
    "\u0000",
    "\r\n",
    "\u2028",
    "\u0085",
  ],
  ...[
    "\u0300\u0301\u0302\u0303",
    "<script>",
    '"',
    "'",
    "&",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+1",
    "-1",
  ],
  ...["$(touch /tmp/x)", "`id`", ";", "../", "%2e%2e", "\t=1", "\uff1d1", "x".repeat(300)],
];

export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: "binary" }), fc.string()), {
    maxLength: 6,
  })
  .map((all) => all.join(""));
