/** What a person at a PC with a bad cable, a slow port or a strict switch reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findings, type Measured } from "../../../../initrd/agent/check/findings.ts";

const fine: Measured = {
  link: { name: "eth0", hasLink: true, speedMbps: 1000 },
  ip: "10.0.0.7",
  answer: 0.4,
  throughputBps: 110e6,
  multicast: { sent: 600, received: 600 },
};

test("a good network is said to be good", () => {
  const found = findings(fine);
  assert.deepEqual(
    found.map(({ title }) => title),
    ["Link", "Address", "Server", "Throughput", "Multicast"],
  );
  assert.ok(found.every(({ good }) => good === true));
});

test("each trouble is named with what to look at", () => {
  const troubles: readonly [Partial<Measured>, string, RegExp][] = [
    [{ link: { name: null, hasLink: null, speedMbps: null } }, "Link", /driver/],
    [
      { link: { name: "eth0", hasLink: false, speedMbps: null } },
      "Link",
      /no link: check the cable/,
    ],
    [{ link: { name: "eth0", hasLink: true, speedMbps: 100 } }, "Link", /100 Mbit\/s: a cable/],
    [{ ip: null }, "Address", /DHCP has not answered/],
    [{ answer: "10.0.0.1:8080 does not answer (ECONNREFUSED)" }, "Server", /ECONNREFUSED/],
    [{ answer: 400 }, "Server", /400 ms: it is busy/],
    [{ throughputBps: 11e6 }, "Throughput", /88 Mbit\/s, of a link of 1000 Mbit\/s/],
    [{ multicast: { sent: 600, received: 0 } }, "Multicast", /IGMP snooping without a querier/],
    [{ multicast: { sent: 600, received: 510 } }, "Multicast", /loss 15 %: check the cable/],
    [{ multicast: "not measured without an address" }, "Multicast", /not measured/],
  ];
  for (const [change, title, text] of troubles) {
    const found = findings({ ...fine, ...change }).filter(({ good }) => good !== true);
    assert.deepEqual(
      found.map((each) => each.title),
      [title],
    );
    assert.equal(found[0]?.good, false);
    assert.match(found[0]?.text ?? "", text);
  }
});

test("what is not known yet is said to be looked at", () => {
  assert.ok(findings({}).every(({ good }) => good === null));
});
