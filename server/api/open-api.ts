/** The OpenAPI document. It is made, and what makes it is loaded, when somebody first asks for it. */
import swagger from "@fastify/swagger";
import fastify, { type RouteOptions } from "fastify";
import { version } from "../../core/node/version.ts";
import { cookieName, roleOf } from "./access.ts";

/** Of routes as they were registered. */
export async function openApiDocument(routes: readonly RouteOptions[]): Promise<object> {
  // Nobody calls anything here.
  const compilersFactory = { buildValidator: () => nothing, buildSerializer: () => nothing };
  const app = fastify({
    exposeHeadRoutes: false,
    schemaController: { compilersFactory } as object,
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "roomcast", version, description: "docs/protocol.md has the rules." },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer" },
          login: { type: "apiKey", in: "cookie", name: cookieName },
        },
      },
      security: [{ token: [] }, { login: [] }],
    },
    transform: ({ schema, url, route }) => {
      const role = roleOf(String(route.method), route.config ?? {});
      return {
        schema: { ...schema, description: `For ${role === "viewer" ? "a" : "an"} ${role}.` },
        url,
      };
    },
  });
  await app.register(async (scope) => {
    for (const { method, url, schema = {}, config = {} } of routes)
      scope.route({ method, url, schema, config, handler: nothing });
  });
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}

const nothing = (): (() => never) => () => {
  throw new Error("the routes of the document are not called");
};
