import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import { type ErrorCode, never, RoomcastError } from "../../core/errors.ts";
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

/** Every error leaves as `{code, message, next}`. A bug is logged, and its answer has no details. */
export function answerError(
  error: FastifyError | RoomcastError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof RoomcastError) {
    const { code, message, next } = error;
    if (code === "unauthorized") reply.header("www-authenticate", "Bearer");
    return reply.code(httpStatus(code)).send({ code, message, next });
  }
  if ("validation" in error && error.validation !== undefined) {
    const { what, next } = requestMisfit(error, request);
    return reply.code(400).send({ code: "usage", message: what, next });
  }
  if ("statusCode" in error && error.statusCode !== undefined && error.statusCode < 500) {
    const next = "see /api/v1/openapi.json for the fields of the call";
    return reply.code(error.statusCode).send({ code: "usage", message: error.message, next });
  }
  request.log.error({ err: error }, "request failed");
  const next = "see the server's log for the cause";
  return reply.code(500).send({ code: "failed", message: "internal error", next });
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
