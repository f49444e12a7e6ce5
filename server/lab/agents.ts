import type { AgentMessage, BulkFrame, Hello, ServerMessage } from "../../core/wire/control.ts";

/** How the lab reaches the agents of its PCs. Whoever holds their connections implements it. */
export interface Agents {
  isConnected(pc: string): boolean;
  /** False when the PC is not connected. */
  send(pc: string, message: ServerMessage): boolean;
  sendBytes(pc: string, frame: Uint8Array): void;
  /** Cuts a PC's connection: it comes back by itself. */
  disconnect(pc: string): void;
}

/** What the lab is told of its PCs' connections. PCs are named by the id that `hello` answered. */
export interface AgentEvents {
  /** Answers the PC's id and the welcome to send. The protocol is known to be ours. */
  hello(hello: Hello, address: string): { readonly pc: string; readonly welcome: ServerMessage };
  /** The welcome is sent. */
  connected(pc: string, hello: Hello): void;
  message(pc: string, message: Exclude<AgentMessage, Hello>): void;
  bulk(pc: string, frame: BulkFrame): void;
  lost(pc: string, reason: string): void;
}
