import type { FastifyInstance } from "fastify";
import type { Lab } from "../lab/lab.ts";
import type { ImageStore } from "../store/image-store.ts";
import { captureRoutes } from "../store/upload-routes.ts";
import { type BootRoutesOptions, bootRoutes } from "./boot/boot-routes.ts";
import { castRoutes } from "./cast-routes.ts";
import { checkRoutes } from "./check-routes.ts";
import type { Grants } from "./grants.ts";
import { holdToTable } from "./hold-to-table.ts";
import { imageRoutes } from "./image-routes.ts";
import type { AgentLinks } from "./link.ts";
import { personalRoutes } from "./personal-routes.ts";
import { targetRoutes } from "./target-routes.ts";
import { uploadOf } from "./uploads.ts";

export interface GatePorts {
  readonly lab: Lab;
  readonly images: ImageStore;
  readonly links: AgentLinks;
  readonly grants: Grants;
  /** IPv4 address of the interface that the PCs are on. */
  readonly interfaceAddress: string;
}

/** What firmware and boot loaders ask for, in clear: they know no key yet. */
export const bootGate =
  (boot: BootRoutesOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    holdToTable(app, "http", null);
    bootRoutes(app, boot);
  };

/**
 * All HTTPS that needs no operator's token, as `table.ts` lists it. For an application that has
 * `@fastify/websocket`, and that makes no HEAD of each GET.
 */
export const gate =
  ({ lab, images, links, grants, interfaceAddress }: GatePorts) =>
  async (app: FastifyInstance): Promise<void> => {
    holdToTable(app, "https", { grants, holds: (grant) => lab.grants.holds(grant) });
    links.route(app, lab.connections);
    await imageRoutes(app, {
      store: images,
      list: () => lab.images.viewsAtPcs(),
    });
    await captureRoutes(app, {
      prefix: "/gate/v2/captures",
      uploadOf: (task) => uploadOf(lab, task),
      onCommitted: (task, manifest) => lab.runner.committed(task, manifest),
    });
    await castRoutes(app, (task) => lab.sessions.archive(task));
    await targetRoutes(app, lab);
    await personalRoutes(app, lab);
    await checkRoutes(app, { interfaceAddress });
  };
