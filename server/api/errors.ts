import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import { type ErrorCode, never, RoomcastError } from "../../core/errors.ts";
import type { ErrorView } from "../../core/wire/api.ts";
import { type Misfit, misfitOf } from "../../core/wire/misfit.ts";

const httpStatus = (code: ErrorCode): number => {
  switch (code) {
    case "usage":
    case "bad-input":
      return 400;
    case "unauthorized":
      return 401;
    case "refused":
    case "not-granted":
      return 403;
    case "not-found":
      return 404;
    case "conflict":
      return 409;
    case "too-many":
      return 429;
    case "unreachable":
    case "away":
    case "pc-unreachable":
      return 503;
    case "no-space":
      return 507;
    // None of ours to say: it is found at the other end.
    case "other-key":
    case "cancelled":
    case "failed":
      return 500;
    default:
      return never(code);
  }
};

/** What was asked for is no route. */
export const noCall = ({ method, url }: FastifyRequest): RoomcastError =>
  new RoomcastError("not-found", `there is no call ${method} ${url}`, "see /api/v1/openapi.json");

/** An error as it leaves. */
export const refusalOf = ({
  code,
  message,
  next,
}: RoomcastError): { readonly status: number; readonly view: ErrorView } => ({
  status: httpStatus(code),
  view: { code, message, next },
});

type AnyError = FastifyError | RoomcastError | Error;

/** Every error leaves as `{code, message, next}`. A bug is logged, and its answer has no details. */
export function answerError(
  error: AnyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, view } = answerOf(error, request);
  if (status === 401) reply.header("www-authenticate", "Bearer");
  return reply.code(status).send(view);
}

/** The same for a person whose browser opened this as a page. */
export function answerErrorAsText(
  error: AnyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, view } = answerOf(error, request);
  const { message, next } = view;
  const text = `${message}\n${next}\n`;
  return reply.code(status).type("text/plain; charset=utf-8").send(text);
}

function answerOf(
  error: AnyError,
  request: FastifyRequest,
): { readonly status: number; readonly view: ErrorView } {
  if (error instanceof RoomcastError) return refusalOf(error);
  if ("validation" in error && error.validation !== undefined) {
    const { what, next } = requestMisfit(error, request);
    return { status: 400, view: { code: "usage", message: what, next } };
  }
  if ("statusCode" in error && error.statusCode !== undefined && error.statusCode < 500) {
    const next = "see /api/v1/openapi.json for the fields of the call";
    return { status: error.statusCode, view: { code: "usage", message: error.message, next } };
  }
  request.log.error({ err: error }, "request failed");
  const next = "see the server's log for the cause";
  return { status: 500, view: { code: "failed", message: "internal error", next } };
}

/** What of the request does not fit the route's schema, as a person would say it. */
function requestMisfit({ message, validationContext }: FastifyError, request: FastifyRequest) {
  const { schema = {} } = request.routeOptions;
  const [part, value, whole] = {
    body: [schema.body, request.body, "the body"] as const,
    params: [schema.params, request.params, "the path"] as const,
    querystring: [schema.querystring, request.query, "the query"] as const,
    headers: [schema.headers, request.headers, "the header"] as const,
  }[validationContext ?? "body"] ?? [undefined, undefined, "the request"];
  const found = part === undefined ? null : misfitOf(part as TSchema, value, whole);
  const unclear: Misfit = {
    what: message,
    next: "see /api/v1/openapi.json for the fields of the call",
  };
  return found ?? unclear;
}
