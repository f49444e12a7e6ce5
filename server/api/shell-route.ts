import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { guarded } from "../../core/node/guard.ts";
import { ShellResize, shellInputLimit, TerminalName } from "../../core/wire/shell.ts";
import type { Lab } from "../lab/lab.ts";
import { whileLetIn } from "./access.ts";
import { operatorOf } from "./ordered-by.ts";
import { ById, closed } from "./schemas.ts";

const side = Type.String({ pattern: "^[1-9][0-9]{0,2}$", description: "a number from 1 to 999" });
const Query = Type.Object({ columns: side, lines: side, term: TerminalName }, closed);

/** Milliseconds between two pings that keep a silent connection open. */
const pingEveryMs = 10_000;

/** `/pcs/PC/shell`: a WebSocket to a terminal on a PC (docs/protocol.md, "Shell"). */
export const shellRoute =
  (lab: Lab): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/pcs/:id/shell",
      {
        websocket: true,
        // The shell's own events say more than the call does.
        config: { role: "operator", audit: false, ordered: false },
        schema: { summary: "open a shell on a PC, by WebSocket", params: ById, querystring: Query },
        // A refusal is an ordinary answer, given before the connection becomes a WebSocket.
        preHandler: async (request) => {
          const pc = lab.inventory.find((request.params as { id: string }).id);
          lab.shells.requireAllowed(pc, operatorOf(request));
        },
      },
      (socket, request) => {
        const { params, query, log } = request;
        const operator = operatorOf(request);
        const shell = lab.shells.open(lab.inventory.find(params.id), {
          operator,
          term: query.term,
          size: { columns: Number(query.columns), lines: Number(query.lines) },
          show: (bytes, shown) =>
            socket.send(bytes, { binary: true }, (error) => {
              if (!error) shown();
            }),
          end: (over) => {
            socket.send(JSON.stringify(over));
            socket.close();
          },
        });
        const onError = (err: Error): void => {
          log.error({ err, operator, pc: params.id }, "an operator's shell failed");
          socket.close(1011, "the server failed: see its log");
        };
        const pings = setInterval(() => socket.ping(), pingEveryMs);
        const take = (data: Buffer, isBinary: boolean): void => {
          if (isBinary) {
            for (let at = 0; at < data.length; at += shellInputLimit) {
              shell.type(data.subarray(at, at + shellInputLimit));
            }
            return;
          }
          const resize = parse(data.toString("utf8"));
          if (Value.Check(ShellResize, resize)) {
            shell.resize({ columns: resize.columns, lines: resize.lines });
          }
        };
        socket.on("message", (data: Buffer, isBinary: boolean) =>
          guarded(onError, () => take(data, isBinary)),
        );
        socket.on("error", () => socket.terminate());
        const stopLooking = whileLetIn(request, () =>
          socket.close(1008, "who opened this shell is not let in any more"),
        );
        socket.on("close", () => {
          stopLooking();
          clearInterval(pings);
          guarded(onError, () => shell.close());
        });
      },
    );
  };

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
