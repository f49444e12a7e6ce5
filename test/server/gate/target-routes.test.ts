/** What a person at a PC is shown before that PC's disk goes to the whole room. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fastify, { type FastifyInstance } from "fastify";
import { answerError } from "../../../server/api/errors.ts";
import { targetRoutes } from "../../../server/gate/target-routes.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { helloOf, register } from "../lab/hello.ts";

let api: TestApi;
let app: FastifyInstance;

before(async () => {
  api = await openApi("local");
  app = fastify() as unknown as FastifyInstance;
  app.setErrorHandler(answerError);
  await app.register(async (scope) => targetRoutes(scope, api.lab));
});
after(async () => {
  await app.close();
  await api.close();
});

test("each PC of the room is listed with the disk that will be overwritten, or why it will refuse", async () => {
  const { inventory } = api.lab;
  register(inventory, helloOf("52:54:00:00:00:01", { disks: [diskOf(1)] }));
  const twins = [diskOf(2), { ...diskOf(3), path: "/dev/sdb" }];
  register(inventory, helloOf("52:54:00:00:00:02", { disks: twins }));
  const answer = await app.inject({ url: "/gate/v2/rooms/default/targets" });
  const [first, second, ...none] = answer.json();
  assert.deepEqual(none, []);
  assert.equal(first.name, "pc1");
  assert.match(first.disk, /\/dev\/sda {2}500\.1 GB {2}Samsung 860 EVO {2}serial S3Z9NB0K0001/);
  assert.match(second.disk, /^WILL REFUSE: .*\/dev\/sdb/);
});

test("a room that is not there is said not to be", async () => {
  const answer = await app.inject({ url: "/gate/v2/rooms/nowhere/targets" });
  assert.equal(answer.statusCode, 404);
});
