/** Does what other servers of the campus order, as calls of this server's own API. */
import type { FastifyInstance } from "fastify";
import { Value } from "typebox/value";
import { assert, errorText, RoomcastError } from "../../core/errors.ts";
import { answerBytesLimit, CampusOrder, type OrderAnswer } from "../../core/wire/campus-order.ts";
import { always, type Caller, type Identify } from "./access.ts";
import { refusalOf } from "./errors.ts";

/** Names the order to an application that nothing else reaches. */
const orderHeader = "roomcast-order";

export class OrderedCalls {
  /** Of the orders that are being done, by their ids. */
  private readonly callers = new Map<string, Caller>();

  readonly identify: Identify = async ({ headers }) => {
    const caller = this.callers.get(String(headers[orderHeader]));
    assert(caller !== undefined, "this application does orders, and nothing else");
    return caller;
  };

  /** Never rejects. `app`: listens nowhere. */
  async do(app: FastifyInstance, order: CampusOrder): Promise<OrderAnswer> {
    const { id, method, path, body } = order;
    if (!Value.Check(CampusOrder, order)) return answerOf(notUnderstood());
    this.callers.set(id, callerOf(order));
    try {
      const answer = await app.inject({
        ...{ method, url: `/api/v1${path}` },
        headers: {
          [orderHeader]: id,
          ...(body === null ? {} : { "content-type": "application/json" }),
        },
        ...(body === null ? {} : { payload: body }),
      });
      if (answer.rawPayload.length > answerBytesLimit) return answerOf(tooLong(order.to));
      const type = answer.headers["content-type"];
      return {
        ...{ status: answer.statusCode, body: answer.body },
        type: type === undefined ? null : String(type),
      };
    } catch (error) {
      app.log.error({ err: error }, "an order of another server of the campus failed");
      const next = "see the log of that server";
      return answerOf(new RoomcastError("failed", errorText(error), next));
    } finally {
      this.callers.delete(id);
    }
  }
}

/** No operator of this server has such a name. */
const callerOf = ({ operator, role, from }: CampusOrder): Caller => ({
  ...{ name: `${operator}, at ${from}`, role, from },
  ...{ room: null, until: null, address: null, login: null, ...always },
});

function answerOf(error: RoomcastError): OrderAnswer {
  const { status, view } = refusalOf(error);
  return { status, type: "application/json; charset=utf-8", body: JSON.stringify(view) };
}

const notUnderstood = (): RoomcastError =>
  new RoomcastError(
    "bad-input",
    "the order in the campus's database is none that this server understands",
    "bring all servers of the campus to the same roomcast",
  );

const tooLong = (server: string): RoomcastError =>
  new RoomcastError(
    "failed",
    `the answer of ${server} has more than ${answerBytesLimit} bytes, too many for the campus's database`,
    `ask ${server} itself; what was asked of it was done`,
  );
