import { describe, expect, test } from "vitest";
import { retryAfter } from "../../src/transport/backoff.js";
import { isRedirect, redirectTarget } from "../../src/transport/redirect.js";
import { proxyFor } from "../../src/transport/proxy.js";
import { parseWarnings } from "../../src/transport/warning.js";
import { printable, readRefusal } from "../../src/transport/errors.js";

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  test.each<[string | undefined, number | undefined]>([
    ["3", 3000],
    [" 0 ", 0],
    ["Thu, 01 Jan 2026 00:00:10 GMT", 10_000],
    ["Wed, 31 Dec 2025 00:00:10 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["1e9", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j is %j ms", (value, expected) => {
    expect(retryAfter(value, now)).toBe(expected);
  });
});

describe("a redirect", () => {
  const label = { host: "registry.example", operation: "get a blob" };
  const home = new URL("https://registry.example/");
  const target = (location: string, from = "https://registry.example/v2/a/blobs/x"): string =>
    redirectTarget(location, new URL(from), { home: new URL(new URL(from).origin), label }).href;

  test("is followed to another host by https, and to a relative address", () => {
    expect(target("https://storage.example/x?sig=1")).toBe("https://storage.example/x?sig=1");
    expect(target("../y")).toBe("https://registry.example/v2/a/y");
    expect(target("https://10.0.0.5/x")).toBe("https://10.0.0.5/x");
  });

  test.each([
    ["file:///etc/passwd"],
    ["ftp://storage.example/x"],
    ["http://storage.example/x"],
    ["http://registry.example/x"],
    ["https://user:pw@storage.example/x"],
    ["https://169.254.169.254/latest/meta-data"],
    ["https://[fe80::1]/x"],
    ["https://[::ffff:169.254.169.254]/x"],
    ["https://[fd00:ec2::254]/x"],
    ["https://127.0.0.1/x"],
    ["https://2130706433/x"],
    ["https://0x7f.1/x"],
    ["https://localhost:6443/x"],
    ["https://[::1]/x"],
    ["https://0.0.0.0/x"],
    ["http://["],
  ])("to %s is refused", (location) => {
    expect(() => target(location)).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
  });

  test("without a Location is refused", () => {
    expect(() => redirectTarget(undefined, home, { home, label })).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
  });

  test("between addresses of this machine is followed if the registry is there", () => {
    expect(target("http://127.0.0.1:81/x", "http://localhost:80/")).toBe("http://127.0.0.1:81/x");
    expect(() => target("http://169.254.169.254/x", "http://localhost:80/")).toThrow();
    expect(target("http://169.254.1.1/x", "http://169.254.1.2/")).toBe("http://169.254.1.1/x");
  });

  test("of a request with a body is one only where the method stays", () => {
    expect([301, 302, 303, 307, 308].map((status) => isRedirect(status, "PUT"))).toEqual([false, false, false, true, true]);
    expect([301, 302, 303, 307, 308, 304, 200].map((status) => isRedirect(status, "GET"))).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("the proxy for an address", () => {
  const env = { HTTPS_PROXY: "http://proxy.example:3128", http_proxy: "plain.example:80" };
  const of = (url: string, no?: string): string | undefined =>
    proxyFor(new URL(url), { ...env, ...(no !== undefined && { NO_PROXY: no }) });

  test("is chosen by the scheme", () => {
    expect(of("https://a.example/")).toBe("http://proxy.example:3128");
    expect(of("http://a.example/")).toBe("http://plain.example:80");
    expect(proxyFor(new URL("https://a.example"), { HTTP_PROXY: "http://p" })).toBeUndefined();
  });

  test.each(["http://localhost:5000/", "https://127.0.0.1/", "http://[::1]/", "https://x.localhost/"])("is none for %s", (url) => {
    expect(of(url)).toBeUndefined();
  });

  test.each([
    ["https://a.example/", "*", false],
    ["https://a.example/", "a.example", false],
    ["https://b.a.example/", "a.example", false],
    ["https://ba.example/", "a.example", true],
    ["https://a.example/", ".a.example", true],
    ["https://b.a.example/", ".a.example", false],
    ["https://b.a.example/", "*.a.example", false],
    ["https://a.example/", "x, A.EXAMPLE", false],
    ["https://a.example:8443/", "a.example:443", true],
    ["https://a.example/", "a.example:443", false],
    ["https://10.1.2.3/", "10.0.0.0/8", false],
    ["https://11.1.2.3/", "10.0.0.0/8", true],
    ["https://10.1.2.3/", "10.0.0.0/99", true],
    ["https://[2001:db8::1]/", "2001:db8::/32", false],
    ["https://[2001:db8::1]/", "2001:db8::1", false],
    ["https://[2001:db8::1]:8443/", "[2001:db8::1]:8443", false],
    ["https://a.example/", "", true],
  ])("for %s with NO_PROXY=%s: used %s", (url, no, isUsed) => {
    expect(of(url, no) !== undefined).toBe(isUsed);
  });
});

describe("Warning", () => {
  test("of code 299 is shown, others are not", () => {
    expect(parseWarnings(['299 - "old \\"client\\""', '110 - "stale"', '299 - "a", 299 - "b"', '299 host "x"'])).toEqual([
      'old "client"',
      "a",
      "b",
    ]);
  });
  test("cannot steer a terminal, and is cut", () => {
    expect(parseWarnings([`299 - "a\u001b[2Jb${"x".repeat(1000)}"`])[0]).toMatch(/^a \[2Jbx{294}…$/);
  });
});

describe("an error body", () => {
  test.each<[string, string, object]>([
    ["of the specification", '{"errors":[{"code":"DENIED","message":"no"}]}', { code: "DENIED", message: "no" }],
    ["with other types", '{"errors":[{"code":1,"message":{}}]}', {}],
    ["of HTML", "<html>", {}],
    ["with a null", '{"errors":null}', {}],
    ["that is a number", "7", {}],
  ])("%s", (_, text, expected) => {
    expect(readRefusal(Buffer.from(text))).toEqual(expected);
  });
  test("is printable", () => expect(printable("a\u202eb\nc", 10)).toBe("a b c"));
});
