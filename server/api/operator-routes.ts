import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { NewOperator, OperatorView, Role } from "../../core/wire/api.ts";
import { OperatorName } from "../../core/wire/names.ts";
import type { Operators } from "./operators.ts";
import { closed } from "./schemas.ts";

const config = { role: "admin" } as const;
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
    app.delete(
      "/operators/:name",
      {
        config,
        schema: {
          summary: "remove an operator",
          params: Type.Object({ name: OperatorName }),
        },
      },
      async ({ params }, reply) => {
        operators.remove(params.name);
        return reply.code(204).send();
      },
    );
  };
