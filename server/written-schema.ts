/** What a schema says that matters to whoever writes documents of it. */

type Schema = Readonly<Record<string, unknown>>;

/**
 * The schema in words by which fast-json-stringify writes without asking: for each choice it asks Ajv which part is
 * meant, and to compile that took a room's first order 130 ms of the server's thread. "This or null" becomes this,
 * `nullable`; one of some texts becomes a text; every other choice stays as it is. What is not in the schema is left
 * out of a document as before. Documents come from our own views, which the compiler holds to the schema.
 */
export function writtenSchema(schema: object): object {
  return written(schema) as object;
}

function written(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== "object" || value === null) return value;
  const { anyOf, ...rest } = value as Schema;
  if (!Array.isArray(anyOf)) return partsWritten(value as Schema);
  const choices = (anyOf as Schema[]).filter(({ type }) => type !== "null");
  const areTexts = choices.every(isText);
  const one = areTexts ? { type: "string" } : written(choices[0]);
  // Between parts that Ajv tells apart, what they say has to stay as exact as it is.
  if ((choices.length > 1 && !areTexts) || !isTyped(one)) return value;
  return { ...rest, ...one, ...(choices.length < anyOf.length ? { nullable: true } : {}) };
}

const partsWritten = (schema: Schema): Schema =>
  Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, written(part)]));

const isText = (schema: Schema): boolean => typeof schema.const === "string";

const isTyped = (schema: unknown): schema is Schema =>
  typeof (schema as Schema | undefined)?.type === "string";
