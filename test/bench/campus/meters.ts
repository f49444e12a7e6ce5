/** What a campus costs its database, and the processes that ask it. */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { Sql } from "postgres";
import { ticksPerSecond } from "../machine.ts";

/** Fields behind the program's name, which may have spaces. */
const field = { parent: 1, user: 11, system: 12, childUser: 13, childSystem: 14 } as const;

export interface Load {
  readonly seconds: number;
  readonly statements: number;
  /** Cores that PostgreSQL keeps busy, and this process. */
  readonly databaseCores: number;
  readonly serversCores: number;
  /** To the database and from it. */
  readonly bytes: number;
  readonly connections: number;
}

/** Sockets to the database, from now on. */
export class SocketMeter implements Disposable {
  private readonly port: number;
  private readonly sockets = new Set<Socket>();
  private closedBytes = 0;

  constructor(port: number) {
    this.port = port;
    subscribe("net.client.socket", this.opened);
  }

  get bytes(): number {
    let sum = this.closedBytes;
    for (const socket of this.sockets) sum += socket.bytesRead + socket.bytesWritten;
    return sum;
  }

  get open(): number {
    return this.sockets.size;
  }

  [Symbol.dispose](): void {
    unsubscribe("net.client.socket", this.opened);
  }

  private readonly opened = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.once("connect", () => {
      if (socket.remotePort !== this.port) return;
      this.sockets.add(socket);
      socket.once("close", () => {
        this.sockets.delete(socket);
        this.closedBytes += socket.bytesRead + socket.bytesWritten;
      });
    });
  };
}

/** Load between two looks. */
export class LoadMeter {
  private readonly admin: Sql;
  private readonly postmaster: number;
  private readonly sockets: SocketMeter;

  constructor(admin: Sql, postmaster: number, sockets: SocketMeter) {
    this.admin = admin;
    this.postmaster = postmaster;
    this.sockets = sockets;
  }

  async begin(): Promise<() => Promise<Load>> {
    await this.admin`SELECT pg_stat_statements_reset()`;
    const before = this.now();
    return async () => {
      const after = this.now();
      const [row] = await this.admin<[{ calls: string }]>`
        SELECT sum(calls) AS calls FROM pg_stat_statements
        WHERE query NOT LIKE '%pg_stat_statements%'`;
      const seconds = (after.at - before.at) / 1000;
      return {
        seconds,
        statements: Number(row.calls),
        databaseCores: (after.database - before.database) / seconds,
        serversCores: (after.servers - before.servers) / seconds,
        bytes: after.bytes - before.bytes,
        connections: this.sockets.open,
      };
    };
  }

  /** The statements that took PostgreSQL the longest since `begin`. */
  async longest(): Promise<string[]> {
    const rows = await this.admin<{ ms: number; calls: string; rows: string; query: string }[]>`
      SELECT total_exec_time AS ms, calls, rows, query FROM pg_stat_statements
      WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY total_exec_time DESC LIMIT 8`;
    return rows.map(
      ({ ms, calls, rows: count, query }) =>
        `${ms.toFixed(0).padStart(7)} ms  ${calls.padStart(6)} calls  ${count.padStart(8)} rows  ${query.replace(/\s+/g, " ").slice(0, 90)}`,
    );
  }

  private now() {
    const { user, system } = process.cpuUsage();
    return {
      at: performance.now(),
      database: this.databaseSeconds(),
      servers: (user + system) / 1e6,
      bytes: this.sockets.bytes,
    };
  }

  /** Of processor time; those that have ended are in their parent's. */
  private databaseSeconds(): number {
    let ticks = 0;
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const fields = statOf(Number(name));
      if (fields === null) continue;
      const isPostmaster = Number(name) === this.postmaster;
      if (!isPostmaster && fields[field.parent] !== this.postmaster) continue;
      ticks += (fields[field.user] as number) + (fields[field.system] as number);
      if (!isPostmaster) continue;
      ticks += (fields[field.childUser] as number) + (fields[field.childSystem] as number);
    }
    return ticks / ticksPerSecond;
  }
}

/** Null: it has ended. */
function statOf(pid: number): number[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
  } catch {
    return null;
  }
}
