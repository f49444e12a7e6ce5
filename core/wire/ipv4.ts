import { Type } from "typebox";

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
export const Ipv4 = Type.String({
  pattern: `^${octet}\\.${octet}\\.${octet}\\.${octet}$`,
  description: "an IPv4 address, as in 10.0.0.1",
});
