import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeAgentMessage } from "../../../core/wire/agent-message.ts";
import {
  imageNameRule,
  type NameRule,
  nameFault,
  operatorNameRule,
  pcNameRule,
  roomNameRule,
  seatNameRule,
  suggestedName,
} from "../../../core/wire/names.ts";

const rules = [imageNameRule, roomNameRule, pcNameRule, seatNameRule, operatorNameRule];
const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.stringMatching(/^[A-Za-z0-9._ -]{0,70}$/),
);

test("a name has a fault just when it does not match the rule's pattern", () => {
  for (const rule of rules) {
    const pattern = new RegExp(rule.pattern);
    fc.assert(
      fc.property(anyName, (name) => (nameFault(rule, name) === null) === pattern.test(name)),
    );
  }
});

test("what is suggested is allowed, and what is allowed is suggested as it is", () => {
  for (const rule of rules) {
    fc.assert(
      fc.property(anyName, (name) => {
        const suggested = suggestedName(rule, name);
        if (suggested !== null) assert.equal(nameFault(rule, suggested), null);
        if (nameFault(rule, name) === null && !name.endsWith("-")) assert.equal(suggested, name);
      }),
    );
  }
});

test("the sentence says which character it is, what is allowed, and what would do", () => {
  const said = (rule: NameRule, name: string): string => {
    const fault = nameFault(rule, name);
    assert(fault !== null, name);
    return `${fault.what}; ${fault.next}`;
  };
  const allowed =
    "use letters A-Z and a-z, digits, and . _ - after the first character, at most 63 characters";
  for (const [name, why, better] of [
    ["Lab 1", "it has a space", "Lab-1"],
    ["Raum Süd", "it has a space", "Raum-Sud"],
    ["Straße", 'it has "ß"', "Strasse"],
    ["win/11", 'it has "/"', "win-11"],
    ["-x", 'it begins with "-"', "x"],
    ["a\u0007b", "it has the character U+0007", "a-b"],
    ["x".repeat(64), "it has 64 characters", "x".repeat(63)],
  ] as const) {
    const shown = JSON.stringify(name.replace("\u0007", "?"));
    const what = `${shown} cannot be the name of an image: ${why}`;
    assert.equal(said(imageNameRule, name), `${what}; ${allowed}: ${better}, say`);
  }
  assert.equal(said(imageNameRule, ""), `an image needs a name; ${allowed}`);
  assert.match(said(roomNameRule, "實驗室"), /name of a room: it begins with "實"; [^:]*$/);
  assert.match(said(operatorNameRule, "Ann Lee"), /begins with "A"; .*: ann-lee, say$/);
});

test("nothing of a name reaches a terminal as an order", () => {
  fc.assert(
    fc.property(anyName, (name) => {
      const { what, next } = nameFault(imageNameRule, name) ?? { what: "", next: "" };
      assert.doesNotMatch(what + next, /\p{C}/u);
      assert.ok(what.length < 300);
    }),
  );
});

test("a PC cannot ask for a capture under a name that an image cannot have", () => {
  const ask = (want: object): boolean =>
    decodeAgentMessage(JSON.stringify({ type: "ask", want })).ok;
  const capture = (name: string) => ask({ action: "capture", name, disk: "/dev/sda" });
  const cast = (saveAs: string | null) =>
    ask({ action: "cast", room: "lab", saveAs, disk: "/dev/sda" });
  assert.deepEqual([capture("Win11-Lab"), capture("Lab 1")], [true, false]);
  assert.deepEqual([cast("Win11-Lab"), cast(null), cast("Lab 1")], [true, true, false]);
});
