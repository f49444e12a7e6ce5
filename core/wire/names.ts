/** What may be called what: one rule for each kind of name, and a sentence for a name that breaks it. */
import { Type } from "typebox";
import { RoomcastError } from "../errors.ts";
import { printable } from "../units/printable.ts";

export interface NameRule {
  /** What has the name: `an image`. */
  readonly of: string;
  /** Of the name as a whole. */
  readonly pattern: string;
  /** In characters. */
  readonly limit: number;
  /** What is allowed, in words. */
  readonly allowed: string;
  readonly first: RegExp;
  readonly rest: RegExp;
  readonly isLowerCase: boolean;
}

/** What is wrong with a name, and what to do about it: two parts of a sentence. */
export interface NameFault {
  readonly what: string;
  readonly next: string;
}

const ruleOf = (parts: {
  of: string;
  first: string;
  rest: string;
  limit: number;
  allowed: string;
}): NameRule => {
  const { of, first, rest, limit, allowed } = parts;
  return {
    of,
    pattern: `^[${first}][${rest}]{0,${limit - 1}}$`,
    limit,
    allowed: `${allowed}, at most ${limit} characters`,
    first: new RegExp(`[${first}]`),
    rest: new RegExp(`[${rest}]`),
    isLowerCase: !new RegExp(`[${first}]`).test("A"),
  };
};

/** Shown on screens, typed as confirmation, and used in file names: no blanks, and nothing that a shell reads. */
const label = {
  first: "A-Za-z0-9",
  rest: "A-Za-z0-9._-",
  limit: 63,
  allowed: "letters A-Z and a-z, digits, and . _ - after the first character",
};

export const imageNameRule = ruleOf({ of: "an image", ...label });
export const roomNameRule = ruleOf({ of: "a room", ...label });
export const pcNameRule = ruleOf({ of: "a PC", ...label });
export const seatNameRule = ruleOf({
  of: "a seat",
  ...label,
  limit: 32,
});
export const operatorNameRule = ruleOf({
  of: "an operator",
  first: "a-z",
  rest: "a-z0-9_-",
  limit: 31,
  allowed: "small letters a-z, and digits and _ - after the first character",
});
export const keyNameRule = ruleOf({ of: "an SSH key", ...label });
export const stepNameRule = ruleOf({ of: "a step", ...label });

const rules = [
  ...[imageNameRule, roomNameRule, pcNameRule, seatNameRule, operatorNameRule],
  ...[keyNameRule, stepNameRule],
];

const titleOf = ({ of }: NameRule): string => `the name of ${of}`;
const nameSchema = (rule: NameRule) =>
  Type.String({ pattern: rule.pattern, title: titleOf(rule), description: rule.allowed });

export const ImageName = nameSchema(imageNameRule);
export const RoomName = nameSchema(roomNameRule);
export const PcName = nameSchema(pcNameRule);
export const SeatName = nameSchema(seatNameRule);
export const OperatorName = nameSchema(operatorNameRule);
export const KeyName = nameSchema(keyNameRule);
export const StepName = nameSchema(stepNameRule);

/** The rule that a schema of this module is made of. */
export const nameRuleOf = (schema: object): NameRule | undefined =>
  rules.find((rule) => "title" in schema && schema.title === titleOf(rule));

/** The same for names that differ by capital letters only: they are one name. */
export const foldedName = (name: string): string => name.toLowerCase();

/** Null for a name that the rule allows. */
export function nameFault(rule: NameRule, name: string): NameFault | null {
  const { of, limit, allowed, first, rest } = rule;
  const [start, ...others] = name;
  if (start === undefined) return { what: `${of} needs a name`, next: `use ${allowed}` };
  const odd = others.find((character) => !rest.test(character));
  const why = !first.test(start)
    ? `it begins with ${characterText(start)}`
    : odd !== undefined
      ? `it has ${characterText(odd)}`
      : name.length > limit
        ? `it has ${name.length} characters`
        : null;
  if (why === null) return null;
  const better = suggestedName(rule, name);
  return {
    what: `${quoted(name)} cannot be the name of ${of}: ${why}`,
    next: `use ${allowed}${better === null ? "" : `: ${better}, say`}`,
  };
}

/** Throws `usage`, with the sentence, for a name that the rule does not allow. */
export function requireName(rule: NameRule, name: string): void {
  const fault = nameFault(rule, name);
  if (fault !== null) throw new RoomcastError("usage", fault.what, fault.next);
}

/** A name that the rule allows and that reads like this one, or null. */
export function suggestedName(rule: NameRule, name: string): string | null {
  const plain = name.slice(0, 1024).normalize("NFKD").replace(/\p{M}/gu, "").replace(/ß/g, "ss");
  let suggested = "";
  for (const character of rule.isLowerCase ? plain.toLowerCase() : plain) {
    const isFirst = suggested === "";
    if ((isFirst ? rule.first : rule.rest).test(character)) suggested += character;
    // One dash for all that is left out between two characters that stay.
    else if (!isFirst && !suggested.endsWith("-")) suggested += "-";
  }
  suggested = suggested.slice(0, rule.limit).replace(/-+$/, "");
  return new RegExp(rule.pattern).test(suggested) ? suggested : null;
}

/** On a terminal a control character may be an order, and so it is told by its number. */
function characterText(character: string): string {
  if (character === " ") return "a space";
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(character)) return JSON.stringify(character);
  return `the character U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A longer one is cut: it is shown in a line. */
function quoted(name: string): string {
  const shown = printable(name);
  return JSON.stringify([...shown].length > 70 ? `${[...shown].slice(0, 69).join("")}…` : shown);
}
