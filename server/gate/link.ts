/** The connections of the PCs' agents: one WebSocket each (docs/protocol.md, "Control"). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Log } from "../host/log.ts";
import type { AgentEvents, Agents } from "../lab/agents.ts";
import { RareLines, troubleLines } from "../lab/rare-line.ts";
import { Connection, type Shared } from "./connection.ts";
import { linkPath } from "./table.ts";
import { Unproven } from "./unproven.ts";

/**
 * Holds the agents' connections: at most one a PC, and a newer one replaces the older. Which PC one is
 * its key says, so that nobody else's replaces it.
 */
export class AgentLinks implements Agents {
  private readonly links: Shared["links"] = new Map();
  private readonly unproven = new Unproven();
  private readonly refused: Shared["refused"] = new Map();
  private readonly lines = new RareLines(() => performance.now(), troubleLines);
  private readonly connections = new Set<Connection>();
  private readonly log: Log;
  private readonly keys: () => readonly string[];

  /** `keys`: what PCs are to pin from now on. */
  constructor(log: Log, keys: () => readonly string[]) {
    this.log = log;
    this.keys = keys;
  }

  /** Each PC that is connected hears of the keys, as a PC does that connects. */
  tellKeys(): void {
    for (const { connection } of this.links.values()) connection.tellKeys();
  }

  /** How many logins were refused, by what was wrong with them. */
  get refusedLogins(): ReadonlyMap<string, number> {
    return this.refused;
  }

  /** Registers `linkPath` on an application that has `@fastify/websocket`; `events` hears of all. */
  route(app: FastifyInstance, events: AgentEvents): void {
    const { links, unproven, refused, log, keys } = this;
    const shared: Shared = { events, log, links, unproven, refused, keys, lines: this.lines };
    const refuseBrowsers = async ({ headers }: FastifyRequest): Promise<void> => {
      if (headers.origin === undefined) return;
      const next = "agents connect here, and web pages do not";
      throw new RoomcastError("refused", "a web page may not be an agent", next);
    };
    app.get(linkPath, { websocket: true, onRequest: refuseBrowsers }, (socket, request) => {
      const connection = new Connection(socket, request, shared);
      this.connections.add(connection);
      socket.on("close", () => this.connections.delete(connection));
    });
  }

  isConnected(pc: string): boolean {
    return this.links.has(pc);
  }

  send(pc: string, message: ServerMessage): boolean {
    const link = this.links.get(pc);
    link?.connection.send(message);
    return link !== undefined;
  }

  sendBytes(pc: string, frame: Uint8Array): void {
    this.links.get(pc)?.connection.sendBytes(frame);
  }

  disconnect(pc: string): void {
    this.links.get(pc)?.connection.cut();
  }

  /** Cuts all connections; none of them counts as lost. */
  close(): void {
    this.links.clear();
    for (const connection of this.connections) connection.cut();
  }
}
