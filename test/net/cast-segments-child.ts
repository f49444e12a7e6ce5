/** Sends one batch and says whether it left as super-packets. */
import { UdpSender } from "../../core/node/udp-sender.ts";
import { packetLimit } from "../../core/wire/cast.ts";

const batchPackets = 20;
const place = { group: "239.77.1.9", port: 20_998, interfaceAddress: "127.0.0.1" };
const sender = new UdpSender({ ...place, batchPackets, packetLimit });
const before = sender.isSegmenting;
const sent = sender.send(0, batchPackets, packetLimit);
console.log(JSON.stringify({ before, after: sender.isSegmenting, sent }));
sender.close();
