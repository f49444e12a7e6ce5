import { access } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Where `make page` puts the page. */
export const builtPageFolder = join(import.meta.dirname, "..", "..", "build", "page");

/**
 * The page for browsers: `/` is `index.html` of the folder, and `/assets/NAME` is `assets/NAME`, in the form with `.br` or
 * `.gz` behind it where there is one and the browser takes it. What is in `assets` has its hash in its name.
 */
export async function pageRoutes(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    ...{ root: folder, serve: false, preCompressed: true, index: false, dotfiles: "deny" },
    ...{ acceptRanges: false, suppressWarning: true },
  });
  app.get("/", async (_request, reply) => {
    reply.header("cache-control", "no-store").header("vary", "accept-encoding");
    if (await isThere(join(folder, "index.html"))) {
      return reply.sendFile("index.html", {
        cacheControl: false,
        etag: false,
        lastModified: false,
      });
    }
    return reply
      .code(404)
      .type("text/plain; charset=utf-8")
      .send(`The page is not built. Run \`make page\` on the server, which fills ${folder}.\n`);
  });
  app.get<{ Params: { "*": string } }>("/assets/*", async (request, reply) => {
    const name = request.params["*"];
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name)) return reply.callNotFound();
    reply.header("vary", "accept-encoding");
    return reply.sendFile(`assets/${name}`, { immutable: true, maxAge: "365d" });
  });
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
