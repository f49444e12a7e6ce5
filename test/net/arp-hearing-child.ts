/** Hears ARP on the interfaces that are named, and says who has which address: `arp-hearing-child.ts NAME…`. */
import { ArpHearing } from "../../server/host/arp-hearing.ts";
import { openArpListener } from "../../server/host/arp-listener.ts";

const hearing = new ArpHearing({
  open: (interfaceName, heard) =>
    openArpListener({ interfaceName, heard, onError: (error) => console.log(error) }),
  log: (fields, text) => console.log(text, JSON.stringify(fields)),
});
for (const name of process.argv.slice(2)) hearing.serve(name);
hearing.hear((mac, address) => console.log(mac, address));
console.log("ready");
