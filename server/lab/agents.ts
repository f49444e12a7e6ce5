import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { BulkFrame } from "../../core/wire/bulk.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { KeyRecord } from "../state/records.ts";

/** How the lab reaches the agents of its PCs. Whoever holds their connections implements it. */
export interface Agents {
  isConnected(pc: string): boolean;
  /** How many logins were refused, by what was wrong with them. */
  readonly refusedLogins: ReadonlyMap<string, number>;
  /** False when the PC is not connected. */
  send(pc: string, message: ServerMessage): boolean;
  sendBytes(pc: string, frame: Uint8Array): void;
  /** Cuts a PC's connection: it comes back by itself. */
  disconnect(pc: string): void;
}

/** A PC that has proven its key on a connection. */
export interface Login {
  readonly key: Pick<KeyRecord, "fingerprint" | "kind" | "spki">;
  readonly hello: Hello;
  readonly address: string;
  /** The server's own address that it came to. */
  readonly cameTo: string;
  /** Six digits, which the PC shows too. */
  readonly code: string;
  /** Of a TPM, the digest of the PCRs in its quote, hexadecimal; else null. */
  readonly pcrDigest: string | null;
}

/** What the lab is told of its PCs' connections. PCs are named by the id that `login` answered. */
export interface AgentEvents {
  /**
   * Answers the PC's id and the welcome to send. Throws a RoomcastError for a PC that is not let in:
   * the connection ends with its words.
   */
  login(login: Login): { readonly pc: string; readonly welcome: ServerMessage };
  /** The welcome is sent. */
  connected(pc: string, login: Login): void;
  message(pc: string, message: AgentMessage): void;
  bulk(pc: string, frame: BulkFrame): void;
  lost(pc: string, reason: string): void;
}
