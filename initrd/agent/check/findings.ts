/** What a network check found, in words: what it means, and what to look at next. */

import type { Finding } from "../../../core/agent/desk.ts";
import { linkRateText, lossText } from "../../../core/screen/format.ts";

/** What was measured so far; undefined: not yet, null: it could not be. */
export interface Measured {
  readonly link?: {
    readonly name: string | null;
    readonly hasLink: boolean | null;
    readonly speedMbps: number | null;
  };
  readonly ip?: string | null;
  /** Milliseconds that a small answer takes; a string: why there was none. */
  readonly answer?: number | string;
  /** Bytes a second from the server; a string: why it is not known. */
  readonly throughputBps?: number | string;
  /** A string: why it is not known. */
  readonly multicast?: { readonly sent: number; readonly received: number } | string;
}

/** Slower links are told: a room is imaged at 1 Gbit/s. */
const usualMbps = 1000;
/** A server on the same switch answers within this, in milliseconds. */
const promptMs = 50;
/** Less of the link than this is told. */
const usualShare = 0.5;
/** A cast bears with it at a cost of as much; a cable or a port is at fault beyond. */
const bearableLoss = 0.01;

/** In the order in which one thing rests on the other. */
export function findings(measured: Measured): Finding[] {
  return [
    linkFinding(measured),
    addressFinding(measured),
    answerFinding(measured),
    throughputFinding(measured),
    multicastFinding(measured),
  ];
}

const pending = (title: string): Finding => ({ title, good: null, text: "being looked at" });

function linkFinding({ link }: Measured): Finding {
  const title = "Link";
  if (link === undefined) return pending(title);
  const { name, hasLink, speedMbps } = link;
  if (name === null) {
    return {
      title,
      good: false,
      text: "no network card leads to the server: is there a driver for it? See Hardware.",
    };
  }
  if (hasLink === false) {
    return {
      title,
      good: false,
      text: `${name} has no link: check the cable, and the light at its socket.`,
    };
  }
  if (speedMbps === null)
    return { title, good: true, text: `${name} is up; its driver does not tell the speed` };
  return speedMbps < usualMbps
    ? {
        title,
        good: false,
        text: `${name} runs at ${speedMbps} Mbit/s: a cable with a broken pair, or an old switch port. It works, and holds this PC up.`,
      }
    : { title, good: true, text: `${name}, ${speedMbps} Mbit/s` };
}

function addressFinding({ ip }: Measured): Finding {
  const title = "Address";
  if (ip === undefined) return pending(title);
  if (ip !== null) return { title, good: true, text: ip };
  return {
    title,
    good: false,
    text: "none: DHCP has not answered. Check the server, the port's VLAN, and spanning tree (up to a minute after the link).",
  };
}

function answerFinding({ answer }: Measured): Finding {
  const title = "Server";
  if (answer === undefined) return pending(title);
  if (typeof answer === "string") {
    return { title, good: false, text: `${answer}. Check that it runs, and is on this network.` };
  }
  const text = `answers in ${answer < 10 ? answer.toFixed(1) : Math.round(answer)} ms`;
  return answer <= promptMs
    ? { title, good: true, text }
    : { title, good: false, text: `${text}: it is busy, or far away` };
}

function throughputFinding({ throughputBps, link }: Measured): Finding {
  const title = "Throughput";
  if (throughputBps === undefined) return pending(title);
  if (typeof throughputBps === "string") return { title, good: false, text: throughputBps };
  const text = linkRateText(throughputBps);
  const speedMbps = link?.speedMbps ?? null;
  if (speedMbps === null || throughputBps * 8 >= speedMbps * 1e6 * usualShare) {
    return { title, good: true, text };
  }
  return {
    title,
    good: false,
    text: `${text}, of a link of ${speedMbps} Mbit/s: others use the wire now, or a cable is bad`,
  };
}

function multicastFinding({ multicast }: Measured): Finding {
  const title = "Multicast";
  if (multicast === undefined) return pending(title);
  if (typeof multicast === "string") return { title, good: false, text: multicast };
  const { sent, received } = multicast;
  if (received === 0) {
    return {
      title,
      good: false,
      text: "nothing arrives: IGMP snooping without a querier, another VLAN, or Wi-Fi. This PC is served over HTTP, slower.",
    };
  }
  const loss = Math.max(0, 1 - received / sent);
  const text = `${received} of ${sent} packets, loss ${lossText(loss)}`;
  return loss <= bearableLoss
    ? { title, good: true, text }
    : { title, good: false, text: `${text}: check the cable, then the switch port` };
}
