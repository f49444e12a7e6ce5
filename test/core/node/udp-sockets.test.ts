/** The cast's sockets by the system's calls, on this host's loopback. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { closeDescriptor, openEvent } from "../../../core/node/udp-calls.ts";
import { UdpReceiver } from "../../../core/node/udp-receiver.ts";
import { UdpSender } from "../../../core/node/udp-sender.ts";
import { packetLimit } from "../../../core/wire/cast.ts";
import { castAddress } from "./cast-room.ts";

/** Overruns a receiver; answers the packets sent, received, and counted as dropped. */
function overrun(mayKeepWhole: boolean) {
  const place = castAddress();
  const batchPackets = 40;
  const wakeDescriptor = openEvent();
  const receiver = new UdpReceiver({ ...place, wakeDescriptor });
  const sender = new UdpSender({ ...place, batchPackets, packetLimit, mayKeepWhole });
  try {
    // Anybody may send one without a byte in it, and it is none of the cast's.
    assert.equal(sender.send(0, 1, 0), 1);
    receiver.receive(() => assert.fail("a datagram without a packet"));
    // More than 32 MB of buffer hold, nobody reading meanwhile.
    let sent = 0;
    while (sent < 80_000) sent += sender.send(0, batchPackets, packetLimit);
    let received = 0;
    const readAll = (): void => {
      for (let before = -1; before < received; ) {
        before = received;
        receiver.receive((_, __, length) => {
          assert.equal(length, packetLimit);
          received++;
        });
      }
    };
    readAll();
    // The count comes with a packet.
    sent += sender.send(0, batchPackets, packetLimit);
    readAll();
    return { sent, received, dropped: receiver.dropped };
  } finally {
    sender.close();
    receiver.close();
    closeDescriptor(wakeDescriptor);
  }
}

test("what the receiver's buffer had no room for is counted to the packet", () => {
  const { sent, received, dropped } = overrun(false);
  assert(dropped > 0, "the buffer was overrun");
  assert.equal(received + dropped, sent);
});

test("of packets that the kernel has put together, it is counted nearly", () => {
  const { sent, received, dropped } = overrun(true);
  assert(sent - received > 1000, "the buffer was overrun");
  const ratio = dropped / (sent - received);
  assert(ratio > 0.8 && ratio < 1.2, `${dropped} of ${sent - received}`);
});
