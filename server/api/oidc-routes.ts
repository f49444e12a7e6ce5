import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { answerErrorAsText } from "./errors.ts";
import { giveCookie, type LoginPorts } from "./login-routes.ts";
import { flowMs, type Identified } from "./oidc.ts";
import type { CountTry } from "./tries.ts";

const returnPath = "/login/oidc/return";

/** Until the browser is back: it comes from the provider's site, with which a strict cookie would not be sent. */
const flowCookie = "__Host-roomcast-oidc";
const cookie = { httpOnly: true, secure: true, sameSite: "lax", path: "/" } as const;

/** `/login/oidc` and `/login/oidc/return`, which a browser opens as pages: their errors are text for a person. */
export const oidcRoutes =
  ({ lab, operators, logins, oidc }: LoginPorts, countTry: CountTry): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.setErrorHandler(answerErrorAsText);

    /** The operator whom the provider knows by that name, with the role that it means today. */
    async function admit(who: Identified, ip: string) {
      const { role } = who;
      if (role !== null) return operators.admit(who, who.name, role);
      const known = operators.of(who);
      if (known !== null) {
        // Also where the campus's database is away, and the operator cannot be removed.
        logins.endAll(known.name);
        await operators.remove(known.name);
      }
      const was = known === null ? "" : `, and is no longer the operator ${known.name}`;
      const text = `${who.name} from ${ip}: ${who.issuer} says nothing that means a role${was}`;
      lab.announcer.note({}, `${text} (refused: 403)`);
      throw new RoomcastError(
        "refused",
        `${oidc?.label} knows you, and nothing that it says of you makes you an operator here`,
        "ask whoever looks after this server to add your group to [oidc] roles",
      );
    }

    app.get(
      "/login/oidc",
      { schema: { summary: "log in by the provider" } },
      async (request, reply) => {
        if (oidc === null) throw noProvider();
        await countTry(request, reply);
        const { url, handle } = await oidc.begin(hereOf(request).href);
        reply.setCookie(flowCookie, handle, { ...cookie, maxAge: flowMs / 1000 });
        return reply.redirect(url.href, 303);
      },
    );

    app.get(
      returnPath,
      { schema: { summary: "come back from the provider" } },
      async (request, reply) => {
        if (oidc === null) throw noProvider();
        await countTry(request, reply);
        const handle = request.cookies[flowCookie] ?? "";
        reply.clearCookie(flowCookie, cookie);
        const url = hereOf(request);
        url.search = new URL(request.url, url).search;
        const who = await oidc.finish(handle, url);
        const operator = await admit(who, request.ip);
        const { name } = operator;
        const text = `${name} from ${request.ip}: logged in by ${who.issuer}`;
        lab.announcer.note({ operator: name }, text);
        giveCookie(request, reply, logins, logins.open(operator));
        return reply.redirect("/", 303);
      },
    );
  };

/** Where the browser comes back, by the name that it knows this server by; that the name is one is looked at for all calls. */
const hereOf = ({ headers }: FastifyRequest): URL =>
  new URL(`https://${headers.host}/api/v1${returnPath}`);

const noProvider = (): RoomcastError =>
  new RoomcastError(
    "not-found",
    "this server has no provider of identities",
    "log in with a password or a token; [oidc] of the configuration names a provider",
  );
