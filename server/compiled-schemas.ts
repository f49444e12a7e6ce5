/**
 * What fastify makes of the schemas: functions that check and that write. Each schema is compiled once, however many
 * applications have it: the local socket and the network have the same calls, and compiling takes most of their start.
 */
import { AjvCompiler } from "@fastify/ajv-compiler";
import {
  type RouteDefinition,
  type Serializer,
  type SerializerFactory,
  SerializerSelector,
} from "@fastify/fast-json-stringify-compiler";

const serializerFor = SerializerSelector();
const serializers = new WeakMap<object, Serializer>();

const buildSerializer: SerializerFactory = (externalSchemas, options) => {
  const compile = serializerFor(externalSchemas, options);
  return (route: RouteDefinition) => {
    const schema = route.schema as object;
    const compiled = serializers.get(schema) ?? compile(route);
    serializers.set(schema, compiled);
    return compiled;
  };
};

/** For applications with the same options and no schemas that others refer to by a name, of which there are none here. */
export const compiledOnce = {
  // It keeps one Ajv for the same options, and that keeps what it has compiled by the schema.
  buildValidator: AjvCompiler(),
  buildSerializer,
};
