import assert from "node:assert/strict";
import { test } from "node:test";
import { serveSettings } from "../../../server/host/serve-settings.ts";

test("the command line comes before the configuration, and that before the defaults", () => {
  const config = {
    server: { interface: "eth1", dhcp: "proxy", httpPort: 8000 },
    dhcp: { range: "10.0.0.5-10.0.0.9" },
  } as const;
  assert.deepEqual(serveSettings({}, config), {
    ...{ interfaceName: "eth1", dhcp: "proxy", range: "10.0.0.5-10.0.0.9" },
    ...{ httpPort: 8000, httpsPort: 8443 },
  });
  const given = {
    interface: "eth2",
    dhcp: "off",
    range: "10.0.0.7-10.0.0.8",
    httpPort: 80,
  } as const;
  assert.deepEqual(serveSettings(given, config), {
    ...{ interfaceName: "eth2", dhcp: "off", range: "10.0.0.7-10.0.0.8" },
    ...{ httpPort: 80, httpsPort: 8443 },
  });
  assert.equal(serveSettings({ interface: "lo" }, {}).dhcp, "auto");
});

test("an interface that nobody names is asked for", () => {
  assert.throws(() => serveSettings({}, {}), /which interface the lab is on/);
});
