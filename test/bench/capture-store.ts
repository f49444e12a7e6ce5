/** The server's side of a measured capture: says its address and key; at the end of its input what it took. */
import fastify, { type FastifyInstance } from "fastify";
import type { Manifest } from "../../core/image/types.ts";
import { openImageStore } from "../../server/store/open-image-store.ts";
import { captureRoutes } from "../../server/store/upload-routes.ts";
import { testKey } from "../tls.ts";

await using store = await openImageStore(process.argv[2] ?? "");
const writer = store.beginImage("bench");
const committed: Manifest[] = [];
const { pin, key, cert } = await testKey();
const app = fastify({ https: { key, cert, minVersion: "TLSv1.3" } }) as unknown as FastifyInstance;
await captureRoutes(app, {
  prefix: "/gate/v2/captures",
  uploadOf: () => ({ writer, chunkCount: null }),
  onCommitted: (_task, manifest) => committed.push(manifest),
});
console.log(`${await app.listen({ host: "127.0.0.1", port: 0 })} ${pin}`);
for await (const _ of process.stdin);
const { user, system } = process.cpuUsage();
const bytes = committed[0]?.storedBytes ?? 0;
console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6, bytes }));
await app.close();
