/**
 * What fastify makes of the schemas: functions that check and that write. Each schema is compiled once, however many
 * applications have it, and when its call is first made: compiling all of them took half of a server's start.
 */
import { AjvCompiler } from "@fastify/ajv-compiler";
import {
  type RouteDefinition,
  type Serializer,
  type SerializerFactory,
  SerializerSelector,
} from "@fastify/fast-json-stringify-compiler";
import { writtenSchema } from "./written-schema.ts";

/** It keeps one Ajv for the same options, and that keeps what it has compiled by the schema. */
const validatorFor = AjvCompiler();
const serializerFor = SerializerSelector();
const serializers = new WeakMap<object, Serializer>();

/** By call and part of it: what compiles its check, or what writes its answers. */
const parts = new Map<string, () => void>();

type Validate = ReturnType<ReturnType<typeof validatorFor>>;
/** What fastify gives beside the schema. */
type Part = Readonly<Record<"method" | "url" | "httpPart", string>>;

const buildValidator: typeof validatorFor = (externalSchemas, options) => {
  const compile = validatorFor(externalSchemas, options);
  return (route) => {
    let compiled: Validate | undefined;
    const validate = ((data: unknown) => {
      compiled ??= compile(route);
      const fits = compiled(data);
      validate.errors = compiled.errors ?? null;
      return fits;
    }) as Validate;
    const { method, url, httpPart } = route as Part;
    parts.set(`${method} ${url} ${httpPart}`, () => void compile(route));
    return validate;
  };
};

const buildSerializer: SerializerFactory = (externalSchemas, options) => {
  const compile = serializerFor(externalSchemas, options);
  return (route: RouteDefinition) => {
    const schema = route.schema as object;
    const serializer = (): Serializer => {
      const compiled =
        serializers.get(schema) ?? compile({ ...route, schema: writtenSchema(schema) });
      serializers.set(schema, compiled);
      return compiled;
    };
    const { method, url, httpStatus } = route;
    parts.set(`${method} ${url} ${httpStatus}`, () => void serializer());
    return (document) => serializer()(document);
  };
};

/** The check of what a call brings, and what writes its answer, are compiled now, and not when the call is first made. */
export function compileAhead(method: string, url: string): void {
  for (const part of ["body", "200"]) parts.get(`${method} ${url} ${part}`)?.();
}

/** For applications with the same options and no schemas that others refer to by a name, of which there are none here. */
export const compiledOnce = { buildValidator, buildSerializer };
