import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { SshKeyView } from "../../core/wire/api.ts";
import { KeyName } from "../../core/wire/names.ts";
import type { SshKeys } from "../lab/ssh-keys.ts";
import { operatorOf } from "./ordered-by.ts";
import { closed } from "./schemas.ts";

const config = { role: "admin", everywhere: true } as const;
/** The text of a file of public keys. */
const Body = Type.Object({ name: KeyName, text: Type.String({ maxLength: 65_536 }) }, closed);

/** `/ssh-keys`: everybody may see which there are, and admins decide. */
export const sshKeyRoutes =
  (keys: SshKeys): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/ssh-keys",
      { schema: { summary: "list SSH keys", response: { 200: Type.Array(SshKeyView) } } },
      async () => keys.list(),
    );
    app.post(
      "/ssh-keys",
      { config, schema: { summary: "add an SSH key", body: Body, response: { 200: SshKeyView } } },
      async (request) => {
        const { name, text } = request.body;
        return keys.add(name, text, operatorOf(request));
      },
    );
    app.delete(
      "/ssh-keys/:name",
      {
        config,
        schema: { summary: "remove an SSH key", params: Type.Object({ name: KeyName }) },
      },
      async ({ params }, reply) => {
        await keys.remove(params.name);
        return reply.code(204).send();
      },
    );
  };
