import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { NewOperator, OperatorView, Role } from "../../core/wire/api.ts";
import { OperatorName } from "../../core/wire/names.ts";
import { nullable } from "../../core/wire/nullable.ts";
import type { Operators } from "./operators.ts";
import { closed } from "./schemas.ts";

const config = { role: "admin", everywhere: true } as const;
const ByName = Type.Object({ name: OperatorName });
const Change = Type.Object(
  {
    role: Type.Optional(Role),
    /** Null: none any more. It ends the operator's logins. */
    password: Type.Optional(nullable(Type.String({ maxLength: 1024 }))),
  },
  closed,
);
const Body = Type.Object({ name: OperatorName, role: Role }, closed);

/** `/operators`, for admins. */
export const operatorRoutes =
  (operators: Operators): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/operators",
      {
        config,
        schema: { summary: "list operators", response: { 200: Type.Array(OperatorView) } },
      },
      async () => operators.list(),
    );
    app.post(
      "/operators",
      {
        config,
        schema: { summary: "add an operator", body: Body, response: { 200: NewOperator } },
      },
      async ({ body }) => operators.add(body.name, body.role),
    );
    app.patch(
      "/operators/:name",
      {
        config,
        schema: {
          summary: "change an operator's role or password",
          params: ByName,
          body: Change,
          response: { 200: OperatorView },
        },
      },
      async ({ params: { name }, body: { role, password } }) => {
        if (password !== undefined) await operators.setPassword(name, password);
        if (role !== undefined) await operators.setRole(name, role);
        return operators.require(name);
      },
    );
    app.delete(
      "/operators/:name",
      {
        config,
        schema: {
          summary: "remove an operator",
          params: ByName,
        },
      },
      async ({ params }, reply) => {
        await operators.remove(params.name);
        return reply.code(204).send();
      },
    );
  };
