import { expect, test } from "vitest";
import { isLinkLocalAddress, isLoopback, isLoopbackAddress } from "../../src/reference/host.js";

test.each(["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:5000", "127.255.0.9", "[::1]:5000", "[::1]", "[::ffff:127.0.0.1]"])(
  "%s is this machine",
  (host) => expect(isLoopback(host)).toBe(true),
);

test.each(["localhost.example", "128.0.0.1", "127.0.0.1.example", "[::2]", "notlocalhost", "[fe80::1]", "0.0.0.0"])(
  "%s is another machine",
  (host) => expect(isLoopback(host)).toBe(false),
);

test.each(["169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "0.0.0.0", "::", "fd00:ec2::254"])(
  "%s is refused as the target of a redirect",
  (address) => expect(isLinkLocalAddress(address)).toBe(true),
);

test.each(["10.0.0.1", "192.168.1.1", "2001:db8::1", "fec0::1", "127.0.0.1", "::1"])("%s is not", (address) => {
  expect(isLinkLocalAddress(address)).toBe(false);
});

test("addresses in other spellings are the same address", () => {
  expect(isLoopbackAddress("0:0:0:0:0:0:0:1")).toBe(true);
  expect(isLoopbackAddress("::ffff:7f00:1")).toBe(true);
  expect(isLoopbackAddress("1::1")).toBe(false);
});
