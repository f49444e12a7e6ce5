import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { TrustView } from "../../core/wire/api.ts";
import { closed } from "./schemas.ts";

/** The gate's keys. */
export interface TrustPorts {
  view(): TrustView;
  rotate(): Promise<void>;
  finish(): Promise<void>;
}

const config = { role: "admin" } as const;
const Body = Type.Object({}, closed);
const response = { 200: TrustView };

/** `/trust`: everybody may compare the key, and admins may renew it. */
export const trustRoutes =
  (trust: TrustPorts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/trust",
      { schema: { summary: "show the server's key, which PCs and operators pin", response } },
      async () => trust.view(),
    );
    app.post(
      "/trust/rotate",
      { config, schema: { summary: "make the server's next key", body: Body, response } },
      async () => {
        await trust.rotate();
        return trust.view();
      },
    );
    app.post(
      "/trust/finish",
      {
        config,
        schema: { summary: "let the next key take the server's place", body: Body, response },
      },
      async () => {
        await trust.finish();
        return trust.view();
      },
    );
  };
