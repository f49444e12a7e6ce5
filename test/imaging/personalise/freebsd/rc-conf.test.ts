import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import type { PersonalAddress } from "../../../../core/wire/personal.ts";
import { editRcConf } from "../../../../imaging/personalise/freebsd/rc-conf.ts";
import { drawn } from "../../../property.ts";

const dhcp: PersonalAddress = { kind: "dhcp" };
const fixed: PersonalAddress = {
  kind: "static",
  address: "192.0.2.7",
  prefix: 22,
  gateway: "192.0.2.1",
  dns: [],
  mac: "02:00:00:00:00:01",
};

/** The first text, or the reason why not. */
function edited(
  text: string,
  address: PersonalAddress,
  domain: string | null = "lab.test",
): string {
  const edit = editRcConf([{ path: "/etc/rc.conf", text }], { name: "lab1-a3", domain, address });
  return edit.ok ? (edit.value.files[0]?.text as string) : edit.reason;
}

test("the name and the DHCP interfaces of an ordinary rc.conf", () => {
  const text = [
    'clear_tmp_enable="YES" # hostname="no"',
    'hostname="master.example.org" # the master',
    'keymap="de.kbd"',
    'ifconfig_em0="SYNCDHCP mtu 9000"',
    'ifconfig_em0_ipv6="inet6 accept_rtadv"',
    "#ifconfig_em1=none",
    "",
  ].join("\n");
  assert.equal(edited(text, dhcp), text.replace("master.example.org", "lab1-a3.lab.test"));
  assert.equal(edited(text, dhcp, null), text.replace("master.example.org", "lab1-a3"));
});

test("a static master goes to DHCP, its other words stay, and its route goes", () => {
  const text =
    "export hostname=master\nifconfig_igb0='inet 10.0.0.5 netmask 255.0.0.0 -tso broadcast 10.255.255.255'\n" +
    'ifconfig_lo0="inet 127.0.0.1"\ndefaultrouter="10.0.0.1"\nifconfig_igb0_alias0="inet 10.0.0.6/32"\n';
  assert.equal(
    edited(text, dhcp),
    "export hostname=\"lab1-a3.lab.test\"\nifconfig_igb0='DHCP -tso'\n" +
      'ifconfig_lo0="inet 127.0.0.1"\ndefaultrouter="NO"\nifconfig_igb0_alias0="inet 10.0.0.6/32"\n',
  );
});

test("a static address for each card that is named, wireless excepted", () => {
  assert.equal(
    edited(
      'ifconfig_em0="DHCP mtu 1400"\nifconfig_re0_10="10.0.0.5/8"\nifconfig_wlan0="WPA DHCP"',
      fixed,
    ),
    'ifconfig_em0="inet 192.0.2.7 netmask 255.255.252.0 mtu 1400"\n' +
      'ifconfig_re0_10="inet 192.0.2.7 netmask 255.255.252.0"\nifconfig_wlan0="WPA DHCP"\n' +
      'hostname="lab1-a3.lab.test"\ndefaultrouter="192.0.2.1"\n',
  );
});

test("no card is named: DEFAULT, before the line feeds at the end", () => {
  assert.equal(
    edited('sshd_enable="YES"\n\n\n', fixed),
    'sshd_enable="YES"\nhostname="lab1-a3.lab.test"\nifconfig_DEFAULT="inet 192.0.2.7 netmask 255.255.252.0"\ndefaultrouter="192.0.2.1"\n',
  );
  assert.equal(edited("", dhcp), 'hostname="lab1-a3.lab.test"\nifconfig_DEFAULT="DHCP"\n');
});

test("a later file that has the setting is changed too", () => {
  const edit = editRcConf(
    [
      { path: "/etc/rc.conf", text: 'ifconfig_em0="DHCP"\n' },
      { path: "/etc/rc.conf.local", text: 'hostname="master"\n' },
    ],
    { name: "lab1-a3", domain: null, address: dhcp },
  );
  assert(edit.ok);
  assert.deepEqual(edit.value, {
    files: [
      { path: "/etc/rc.conf", text: 'ifconfig_em0="DHCP"\n' },
      { path: "/etc/rc.conf.local", text: 'hostname="lab1-a3"\n' },
    ],
    hostname: "lab1-a3",
    interfaces: ["em0"],
  });
});

test("what is more than a plain text is left", () => {
  for (const line of [
    'hostname="$(cat /x)"y',
    'hostname="a\\"b"',
    "hostname=$(id)",
    "hostname=a\\",
  ]) {
    assert.equal(edited(`${line}\n`, dhcp), "its line hostname=… is more than a plain text", line);
  }
});

test("any rc.conf: a shell reads the new values and all others as before, and a second edit changes nothing", () => {
  const value = fc.stringMatching(/^[a-z0-9. /]{0,12}$/);
  const setting = fc.constantFrom(
    "hostname",
    "ifconfig_em0",
    "defaultrouter",
    "x_enable",
    "y_flags",
  );
  const line = fc.oneof(
    fc.tuple(setting, value, fc.constantFrom('"', "'")).map(([n, v, q]) => `${n}=${q}${v}${q}`),
    fc.tuple(setting, value).map(([n, v]) => `#${n}="${v}"`),
    fc.tuple(setting, value).map(([n, v]) => `  ${n}="${v}"  # ${v}`),
    fc.constantFrom("", "\t", "x_enable=YES", "y_flags=a;"),
    fc
      .constantFrom(
        "DHCP",
        "WPA SYNCDHCP",
        "inet 10.0.0.5 netmask 255.0.0.0",
        "10.1.1.1/8 mtu 9000",
      )
      .map((words) => `ifconfig_em0="${words}"`),
  );
  const read = (text: string): string[] =>
    execFileSync("sh", ["-s"], {
      input: `${text}\necho "$hostname|$ifconfig_em0|$ifconfig_DEFAULT|$x_enable|$y_flags"\n`,
      encoding: "utf8",
    })
      .trimEnd()
      .split("|");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, isStatic) => {
      const text = lines.join("\n");
      const address = isStatic ? fixed : dhcp;
      const after = edited(text, address);
      assert.equal(edited(after, address), after);
      const [, , , ...others] = read(text);
      const [hostname, em0, byDefault, ...othersAfter] = read(after);
      assert.equal(hostname, "lab1-a3.lab.test");
      assert.deepEqual(othersAfter, others);
      const own = byDefault || em0;
      assert.match(own ?? "", isStatic ? /^inet 192\.0\.2\.7 netmask 255\.255\.252\.0/ : /DHCP/);
    }),
    { numRuns: drawn(20) },
  );
});
