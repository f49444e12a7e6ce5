/** Hands connections to a port of its namespace's loopback on to a socket file: `relay-child.ts PORT PATH`. */
import { connect, createServer } from "node:net";

const [port = "", path = ""] = process.argv.slice(2);
const server = createServer((from) => {
  const to = connect({ path });
  from.pipe(to).pipe(from);
  from.on("error", () => to.destroy());
  to.on("error", () => from.destroy());
});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
