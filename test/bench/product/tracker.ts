/** A tracker for BitTorrent, of what the bench needs of BEP 3 and 23: it names each peer to those that ask after it. */
import { createServer } from "node:http";

/** Seconds between two questions of one peer. */
const interval = 2;
const [port = "6969"] = process.argv.slice(2);
/** By peer: address and port, as BEP 23 has them. */
const peers = new Map<string, Buffer>();

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://tracker");
  // The hash and the peer's own number are bytes, which are not UTF-8: an address and a port are enough here.
  const address = (request.socket.remoteAddress ?? "").replace("::ffff:", "");
  const own = `${address}:${searchParams.get("port")}`;
  if (pathname !== "/announce") return void response.writeHead(404).end();
  const others = [...peers].filter(([peer]) => peer !== own).map(([, place]) => place);
  const place = Buffer.from([...address.split(".").map(Number), 0, 0]);
  place.writeUInt16BE(Number(searchParams.get("port")), 4);
  if (!peers.has(own)) console.log(own);
  peers.set(own, place);
  const compact = Buffer.concat(others);
  response.end(
    Buffer.concat([
      Buffer.from(`d8:intervali${interval}e5:peers${compact.length}:`),
      compact,
      Buffer.from("e"),
    ]),
  );
});
server.listen(Number(port), () => console.log("ready"));
