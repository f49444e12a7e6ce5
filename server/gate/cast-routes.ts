/** What agents read and write of a live cast (docs/protocol.md, "HTTP for agents"). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { decodeLivePlan, encodeLivePlan } from "../../core/image/live-plan.ts";
import type { LiveArchive } from "../lab/live-archive.ts";
import { admitBody } from "../store/body.ts";
import { recordsOf } from "../store/upload-routes.ts";

const octets = "application/octet-stream";

/** Registers `/gate/v2/casts/TASK/…`. `archiveOf`: the live cast under way that `task` names. */
export async function castRoutes(
  app: FastifyInstance,
  archiveOf: (task: string) => LiveArchive | undefined,
): Promise<void> {
  const runOf = (task: string): LiveArchive => {
    const run = archiveOf(task);
    if (run !== undefined) return run;
    const what = `there is no live cast ${task} under way`;
    throw new RoomcastError("not-found", what, "start it again");
  };
  type Task = { Params: { task: string }; Body: unknown };
  /** Before the body is read. */
  const admit = async (request: FastifyRequest<Task>, reply: FastifyReply): Promise<void> =>
    admitBody(request, reply, runOf(request.params.task), request.routeOptions.bodyLimit);

  app.get<Task>("/gate/v2/casts/:task/plan", async ({ params }, reply) => {
    const { plan } = runOf(params.task).cast;
    if (plan === null)
      throw new RoomcastError("unreachable", "the plan is not here yet", "it is asked for again");
    return reply.type("application/json").send(encodeLivePlan(plan));
  });
  app.get<{ Params: { task: string; entry: string } }>(
    "/gate/v2/casts/:task/chunks/:entry",
    async ({ params }, reply) => {
      const entryIndex = /^\d{1,10}$/.test(params.entry) ? Number(params.entry) : -1;
      const stored = await runOf(params.task).cast.chunk(entryIndex);
      const { buffer, byteOffset, byteLength } = stored;
      return reply.type(octets).send(Buffer.from(buffer, byteOffset, byteLength));
    },
  );
  await app.register(async (binary) => {
    binary.removeAllContentTypeParsers();
    binary.addContentTypeParser(octets, { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    binary.put<Task>(
      "/gate/v2/casts/:task/chunks",
      { onRequest: admit },
      async ({ params, body }, reply) => {
        const { cast } = runOf(params.task);
        for (const { entry, stored } of recordsOf(body as Uint8Array))
          await cast.takeUpload(entry, stored);
        return reply.code(204).send();
      },
    );
  });
  await app.register(async (json) => {
    json.removeAllContentTypeParsers();
    json.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) =>
      done(null, body),
    );
    json.put<Task>(
      "/gate/v2/casts/:task/plan",
      { onRequest: admit },
      async ({ params, body }, reply) => {
        const run = runOf(params.task);
        const plan = decodeLivePlan(typeof body === "string" ? body : "");
        if (!plan.ok) {
          const next = "update the agent: boot the PC again from this server";
          throw new RoomcastError("bad-input", `the plan is invalid: ${plan.reason}`, next);
        }
        await run.takePlan(plan.value);
        return reply.code(204).send();
      },
    );
  });
}
