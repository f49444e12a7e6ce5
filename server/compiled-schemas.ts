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

/** It keeps one Ajv for the same options, and that keeps what it has compiled by the schema. */
const validatorFor = AjvCompiler();
const serializerFor = SerializerSelector();
const serializers = new WeakMap<object, Serializer>();

/** By call and part of it: what compiles its check. */
const checks = new Map<string, () => void>();

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
    checks.set(`${method} ${url} ${httpPart}`, () => void compile(route));
    return validate;
  };
};

const buildSerializer: SerializerFactory = (externalSchemas, options) => {
  const compile = serializerFor(externalSchemas, options);
  return (route: RouteDefinition) => {
    const schema = route.schema as object;
    return (document) => {
      const compiled = serializers.get(schema) ?? compile(route);
      serializers.set(schema, compiled);
      return compiled(document);
    };
  };
};

/** The check of what a call brings is compiled now, and not when the call is first made. */
export const compileAhead = (method: string, url: string): void =>
  checks.get(`${method} ${url} body`)?.();

/** For applications with the same options and no schemas that others refer to by a name, of which there are none here. */
export const compiledOnce = { buildValidator, buildSerializer };
