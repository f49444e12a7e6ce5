/** The text of LVM's metadata: `name = value` and `name { … }`, nested (lvm.conf(5), SYNTAX). */
import type { Decoded } from "../errors.ts";

export type LvmValue = string | number | readonly (string | number)[] | LvmSection;
export interface LvmSection {
  readonly [name: string]: LvmValue;
}

const depthLimit = 16;
/** White space and comments; what LVM writes ends with a zero byte. */
const gapPattern = /(?:[\s\0]+|#[^\n]*)*/y;
/** A string, a number, a name or a mark. */
const tokenPattern =
  /"((?:[^"\\]|\\.)*)"|([+-]?\d+(?:\.\d+)?)(?![\w.+/-])|([\w.+/-]+)|([=[\]{},])/y;

/** The sections have no prototype: any name may come. */
export function decodeLvmText(text: string): Decoded<LvmSection> {
  const tokens = tokensOf(text);
  if (tokens === null) return { ok: false, reason: "an unexpected character" };
  let at = 0;
  const section = (depth: number): LvmSection | null => {
    const fields: Record<string, LvmValue> = Object.create(null);
    while (at < tokens.length && tokens[at]?.mark !== "}") {
      const name = tokens[at++]?.name;
      const mark = tokens[at++]?.mark;
      if (name === undefined) return null;
      let value: LvmValue | null;
      if (mark === "{" && depth < depthLimit) {
        value = section(depth + 1);
        if (tokens[at++]?.mark !== "}") return null;
      } else value = mark === "=" ? plainValue() : null;
      if (value === null) return null;
      fields[name] = value;
    }
    return fields;
  };
  const plainValue = (): LvmValue | null => {
    const token = tokens[at++];
    if (token?.value !== undefined) return token.value;
    if (token?.mark !== "[") return null;
    const values: (string | number)[] = [];
    while (tokens[at]?.mark !== "]") {
      const value = tokens[at++]?.value;
      if (value === undefined) return null;
      values.push(value);
      if (tokens[at]?.mark === ",") at++;
    }
    at++;
    return values;
  };
  const top = section(0);
  if (top === null || at < tokens.length) return { ok: false, reason: "not well formed" };
  return { ok: true, value: top };
}

/** The text of a section, one byte for each character as it was read. */
export function encodeLvmText(section: LvmSection): string {
  let text = "";
  for (const [name, value] of Object.entries(section)) {
    const isSection = typeof value === "object" && !Array.isArray(value);
    text += isSection
      ? `${name} {\n${encodeLvmText(value as LvmSection)}}\n`
      : `${name} = ${plainText(value as Exclude<LvmValue, LvmSection>)}\n`;
  }
  return text;
}

const plainText = (value: string | number | readonly (string | number)[]): string => {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  return `[${value.map(plainText).join(", ")}]`;
};

interface Token {
  readonly value?: string | number;
  readonly name?: string;
  readonly mark?: string;
}

function tokensOf(text: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    at = pattern.lastIndex;
    return found;
  };
  for (match(gapPattern); at < text.length; match(gapPattern)) {
    const found = match(tokenPattern);
    if (found === null) return null;
    const [, string, number, name, mark] = found;
    if (string !== undefined) tokens.push({ value: string.replace(/\\(.)/g, "$1") });
    else if (number !== undefined) tokens.push({ value: Number(number), name: number });
    else if (name !== undefined) tokens.push({ name });
    else tokens.push({ mark: mark as string });
  }
  return tokens;
}
