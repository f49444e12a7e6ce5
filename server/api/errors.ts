import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type ErrorCode, never, RoomcastError } from "../../core/errors.ts";

const httpStatus = (code: ErrorCode): number => {
  switch (code) {
    case "usage":
    case "bad-input":
      return 400;
    case "unauthorized":
      return 401;
    case "refused":
      return 403;
    case "not-found":
      return 404;
    case "conflict":
      return 409;
    case "too-many":
      return 429;
    case "unreachable":
      return 503;
    case "no-space":
      return 507;
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
  if ("statusCode" in error && error.statusCode !== undefined && error.statusCode < 500) {
    const next = "see /api/v1/openapi.json for the fields of the call";
    return reply.code(error.statusCode).send({ code: "usage", message: error.message, next });
  }
  request.log.error({ err: error }, "request failed");
  const next = "see the server's log for the cause";
  return reply.code(500).send({ code: "failed", message: "internal error", next });
}
