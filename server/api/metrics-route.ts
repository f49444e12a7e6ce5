import type { FastifyInstance } from "fastify";
import { guard, type Identify } from "./access.ts";
import { answerError } from "./errors.ts";
import type { MetricsPorts } from "./metrics.ts";

/** `GET /metrics` in Prometheus' text format, for a viewer: the state of the lab, in bytes and seconds. */
export async function metricsRoute(
  app: FastifyInstance,
  ports: MetricsPorts,
  identify: Identify,
): Promise<void> {
  let registry: ReturnType<typeof import("./metrics.ts")["labMetrics"]> | undefined;
  await app.register(async (scope) => {
    scope.setErrorHandler(answerError);
    guard(scope, identify, () => {});
    scope.get(
      "/metrics",
      { schema: { summary: "show metrics for Prometheus" } },
      async (_, reply) => {
        // What makes the text is loaded where somebody wants it.
        registry ??= (await import("./metrics.ts")).labMetrics(ports);
        return reply.type(registry.contentType).send(await registry.metrics());
      },
    );
  });
}
