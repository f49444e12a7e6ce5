import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { TrustView } from "../../core/wire/api.ts";
import { SignedCertificate } from "../../core/wire/certificate.ts";
import { ById, closed } from "./schemas.ts";

/** The gate's keys, and the one that signs certificates. */
export interface TrustPorts {
  view(): TrustView;
  /** The certificate of a session, signed, as text. Throws `not-found` and `conflict`. */
  certificate(session: string): string;
  rotate(): Promise<void>;
  finish(): Promise<void>;
}

const config = { role: "admin" } as const;
const Body = Type.Object({}, closed);
const response = { 200: TrustView };

/** `/trust`: everybody may compare the keys, and admins may renew them. What was signed is checked by them. */
export const trustRoutes =
  (trust: TrustPorts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/sessions/:id/certificate",
      {
        schema: {
          summary: "certify a session that is over",
          params: ById,
          response: { 200: SignedCertificate },
        },
      },
      // As it was signed, to the byte.
      async ({ params }, reply) =>
        reply.type("application/json").send(trust.certificate(params.id) as never),
    );
    app.get(
      "/trust",
      {
        // Who takes a key for a server's has to have it from the server.
        config: { ordered: false },
        schema: { summary: "show the server's key, which PCs and operators pin", response },
      },
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
