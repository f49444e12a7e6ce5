/** Why a value does not fit a schema, in a sentence that a person can act on. */

import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";
import type { Decoded } from "../errors.ts";
import { printable } from "../units/printable.ts";
import { nameFault, nameRuleOf } from "./names.ts";

export interface Misfit {
  /** What is wrong, and where. */
  readonly what: string;
  /** What is allowed there. */
  readonly next: string;
}

/** The part of JSON Schema that our schemas are made of. */
interface Schema {
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly description?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The first thing that does not fit, or null; `whole` is what the value is called. */
export function misfitOf(schema: TSchema, value: unknown, whole: string): Misfit | null {
  return misfitAt(schema as Schema, value, { path: "", whole });
}

/**
 * From so many checks on a schema is compiled: a check takes a hundredth of the time then, and compiling as
 * long as some twenty checks before (measured with the agents' messages).
 */
const compileAfter = 20;

const checks = new WeakMap<TSchema, (value: unknown) => boolean>();
const checkCounts = new WeakMap<TSchema, number>();

function fits(schema: TSchema, value: unknown): boolean {
  const check = checks.get(schema);
  if (check !== undefined) return check(value);
  const count = (checkCounts.get(schema) ?? 0) + 1;
  checkCounts.set(schema, count);
  if (count < compileAfter) return Value.Check(schema, value);
  const compiled = Compile(schema);
  checks.set(schema, (other) => compiled.Check(other));
  return compiled.Check(value);
}

/** The value as the schema has it, or why it is not. */
export function fitted<T extends TSchema>(
  schema: T,
  value: unknown,
  whole: string,
): Decoded<Static<T>> {
  if (fits(schema, value)) return { ok: true, value: value as Static<T> };
  const misfit = misfitOf(schema, value, whole);
  return {
    ok: false,
    reason: misfit === null ? "it does not fit" : `${misfit.what}; ${misfit.next}`,
  };
}

interface Place {
  readonly path: string;
  readonly whole: string;
}

const nameOf = ({ path, whole }: Place): string => (path === "" ? whole : path);
const within = ({ path, whole }: Place, field: string): Place => ({
  path: path === "" ? field : `${path}.${field}`,
  whole,
});

function misfitAt(schema: Schema, value: unknown, place: Place): Misfit | null {
  const isRight: boolean = Value.Check(schema as TSchema, value);
  if (isRight) return null;
  if (schema.anyOf !== undefined) return ofUnion(schema, schema.anyOf, value, place);
  const allowed = `it has to be ${kindText(schema)}`;
  if (isFields(value) && schema.properties !== undefined) return ofFields(schema, value, place);
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) {
      const misfit = misfitAt(schema.items, item, {
        ...place,
        path: `${place.path}[${index}]`,
      });
      if (misfit !== null) return misfit;
    }
    return { what: `${nameOf(place)} has ${value.length} entries`, next: allowed };
  }
  const rule = typeof value === "string" ? nameRuleOf(schema) : undefined;
  const fault = rule === undefined ? null : nameFault(rule, value as string);
  const is = value === undefined ? "missing" : valueText(value);
  return fault ?? { what: `${nameOf(place)} is ${is}`, next: allowed };
}

function ofFields(schema: Schema, value: Fields, place: Place): Misfit | null {
  const { properties = {}, required = [] } = schema;
  for (const [field, inner] of Object.entries(properties)) {
    const { path } = within(place, field);
    if (!Object.hasOwn(value, field)) {
      if (!required.includes(field)) continue;
      return { what: `${path} is missing`, next: `it has to be ${kindText(inner)}` };
    }
    const misfit = misfitAt(inner, value[field], { ...place, path });
    if (misfit !== null) return misfit;
  }
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(properties, field));
  if (unknown === undefined || schema.additionalProperties !== false) return null;
  const known = Object.keys(properties);
  return {
    what: `${nameOf(place)} has a field ${valueText(unknown)} that is not known`,
    next: known.length === 0 ? "it has no fields" : `its fields are ${known.join(", ")}`,
  };
}

/** A union is told by the one of its parts that the value was meant for: the one whose literal fields it has. */
function ofUnion(
  union: Schema,
  parts: readonly Schema[],
  value: unknown,
  place: Place,
): Misfit | null {
  const meant = parts.filter((part) => part.const === undefined && isMeantFor(part, value));
  const [only, other] = meant;
  if (only !== undefined && other === undefined) return misfitAt(only, value, place);
  if (isFields(value)) {
    for (const field of Object.keys(parts[0]?.properties ?? {})) {
      const literals = parts.map((part) => part.properties?.[field]?.const);
      if (literals.includes(undefined) || literals.includes(value[field])) continue;
      const next = `it has to be ${listText(literals.map(String))}`;
      const { path } = within(place, field);
      const has = Object.hasOwn(value, field);
      return { what: has ? `${path} is ${valueText(value[field])}` : `${path} is missing`, next };
    }
  }
  return {
    what: `${nameOf(place)} is ${valueText(value)}`,
    next: `it has to be ${kindText(union)}`,
  };
}

function isMeantFor({ type, properties = {} }: Schema, value: unknown): boolean {
  if (typeof value === "number") return type === "number" || type === "integer";
  if (Array.isArray(value)) return type === "array";
  if (!isFields(value)) return type === typeof value;
  return (
    type === "object" &&
    Object.entries(properties).every(
      ([field, { const: literal }]) => literal === undefined || value[field] === literal,
    )
  );
}

/** What the schema takes, in words. */
function kindText(schema: Schema): string {
  if (schema.anyOf !== undefined) return listText(schema.anyOf.map(kindText));
  if (schema.const !== undefined) return String(schema.const);
  const { minimum, exclusiveMinimum, maximum, minLength = 0, maxLength } = schema;
  switch (schema.type) {
    case "integer":
    case "number": {
      const bounds = [
        ...(minimum === undefined ? [] : [`from ${minimum}`]),
        ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
        ...(maximum === undefined ? [] : [`up to ${maximum}`]),
      ];
      const kind = schema.type === "integer" ? "a whole number" : "a number";
      return [kind, ...bounds].join(" ");
    }
    case "string": {
      if (schema.description !== undefined) return `text: ${schema.description}`;
      if (schema.pattern !== undefined) return `text of the form ${schema.pattern}`;
      if (maxLength === undefined) return minLength > 0 ? "text that is not empty" : "text";
      return `text of ${minLength > 0 ? `${minLength} to` : "at most"} ${maxLength} characters`;
    }
    case "array": {
      const { minItems = 0, maxItems } = schema;
      if (maxItems === undefined) return "a list";
      return `a list of ${minItems > 0 ? `${minItems} to` : "at most"} ${maxItems} entries`;
    }
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    default:
      return "an object";
  }
}

function valueText(value: unknown): string {
  if (typeof value === "string") {
    const shown = printable(value);
    return JSON.stringify(shown.length > 70 ? `${shown.slice(0, 69)}…` : shown);
  }
  if (Array.isArray(value)) return "a list";
  return isFields(value) ? "an object" : String(value);
}

const listText = (texts: readonly string[]): string =>
  texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
