/** The pages of the reference have what the code has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  apiPage,
  commandPages,
  configurationPage,
  metricsPage,
} from "../../package/docs/reference.ts";

test("every command is there with its options and what they may be, but for what nobody types", () => {
  const page = commandPages();
  assert.match(page, /^## pc set$/m);
  assert.match(page, /^ {4}roomcast restore IMAGE$/m);
  assert.match(page, /\| `--verify <HOW>` \| .*One of written, read-back\./);
  assert(!/^## complete/m.test(page));
});

test("every key of the configuration is there, also of networks, of which there may be many", () => {
  const page = configurationPage();
  assert.match(page, /^\| `server.httpPort` \| integer from 1 to 65535 \|$/m);
  assert.match(page, /^\| `network\[\].dhcp` \| `auto` or `server` or `proxy` or `off` \|$/m);
  assert.match(page, /^\| `dhcp.static` \| table \|$/m);
});

test("calls of the API say who may make them", async () => {
  const page = await apiPage();
  assert.match(page, /^\| `POST \/api\/v1\/sessions` \| .*\| For an operator\. \|$/m);
  assert.match(page, /^\| `GET \/api\/v1\/pcs` \| .*\| For a viewer\. \|$/m);
});

test("every metric is there with its help", () => {
  assert.match(
    metricsPage(),
    /^\| `roomcast_store_bytes` \| gauge \| Bytes that the stored chunks take\. \|$/m,
  );
});
