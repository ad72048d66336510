import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatRegistryReference, parseRegistryReference } from "@ocilot/registry";

const hex = "0123456789abcdef".repeat(4);

describe("a registry reference", () => {
  test.each([
    ["alpine", "docker.io/library/alpine"],
    ["docker://alpine:3.20", "docker.io/library/alpine:3.20"],
    ["user/app", "docker.io/user/app"],
    ["docker.io/alpine", "docker.io/library/alpine"],
    ["index.docker.io/library/alpine", "docker.io/library/alpine"],
    ["registry-1.docker.io/user/app:1", "docker.io/user/app:1"],
    ["localhost/app", "localhost/app"],
    ["localhost:5000/app:v1", "localhost:5000/app:v1"],
    ["LOCALHOST/app", "localhost/app"],
    ["GHCR.io/a/b", "ghcr.io/a/b"],
    ["myhost:5000/a/b__c/d--e", "myhost:5000/a/b__c/d--e"],
    ["localhost:5000", "docker.io/library/localhost:5000"],
    ["[::1]:5000/app:v1", "[::1]:5000/app:v1"],
    ["[2001:db8::1]/app", "[2001:db8::1]/app"],
    [`ghcr.io/a/b:1.0@sha256:${hex}`, `ghcr.io/a/b:1.0@sha256:${hex}`],
    [`ghcr.io/a/b@sha512:${hex}${hex}`, `ghcr.io/a/b@sha512:${hex}${hex}`],
    [`ghcr.io/a:${"t".repeat(128)}`, `ghcr.io/a:${"t".repeat(128)}`],
    ["a/b:_Tag-1.x", "docker.io/a/b:_Tag-1.x"],
  ])("%s is %s", (text, whole) => {
    expect(formatRegistryReference(parseRegistryReference(text))).toBe(whole);
  });

  test.each([
    ["", /names no repository/],
    ["docker://", /names no repository/],
    ["localhost:5000/", /names no repository/],
    ["Alpine", /component "Alpine"/],
    ["host.example/App", /component "App"/],
    ["a//b", /component ""/],
    ["a/-b", /component "-b"/],
    ["a/b___c", /component/],
    ["../../etc/passwd", /invalid/],
    ["host.example/a:-tag", /invalid tag/],
    ["host.example/a:", /invalid tag/],
    [`host.example/a:${"t".repeat(129)}`, /invalid tag/],
    ["host.example/a@sha256:abc", /no valid digest/],
    ["host.example/a@", /no valid digest/],
    [`host.example/a@md5:${"a".repeat(32)}`, /has a md5 digest, which ocilot cannot check/],
    ["host.example/a@x+y:z", /x\+y digest/],
    ["host.example:99999/a", /invalid host/],
    ["host..example/a", /invalid host/],
    ["-host.example/a", /invalid host/],
    ["[::1/a", /invalid host/],
    ["[zz::1]/a", /invalid host/],
    ["[::1]", /invalid|names no/],
    ["user:secret@host.example/a", /no valid digest/],
    ["https://ghcr.io/a/b", /begins with https:/],
    ["docker://oci:///a", /begins with oci:|invalid/],
    [hex, /64 hex digits/],
    [`host.example/${"a/".repeat(130)}a`, /longer than 255/],
    ["a".repeat(2000), /longer than 1024/],
    ["host.example/a b", /component/],
    ["host.example/a\u0000", /component/],
  ])("%j is refused", (text, message) => {
    expect(() => parseRegistryReference(text)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID", message: expect.stringMatching(message) }),
    );
  });

  test("does not repeat a password that was typed into it", () => {
    expect(() => parseRegistryReference("https://user:hunter2@ghcr.io/a")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });

  test("written out and parsed again is the same", () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
    const host = fc.oneof(
      fc.stringMatching(/^[a-z0-9]{1,8}\.[a-z]{2,5}$/),
      fc.stringMatching(/^[a-z][a-z0-9]{0,8}:[1-9][0-9]{0,3}$/),
      fc.constantFrom("localhost", "docker.io", "[::1]:80", "10.0.0.1"),
    );
    const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined });
    const digest = fc.option(fc.stringMatching(/^sha256:[0-9a-f]{64}$/), { nil: undefined });
    fc.assert(
      fc.property(host, fc.array(component, { minLength: 1, maxLength: 4 }), tag, digest, (name, path, t, d) => {
        const text = `${name}/${path.join("/")}${t === undefined ? "" : `:${t}`}${d === undefined ? "" : `@${d}`}`;
        const parsed = parseRegistryReference(text);
        expect(parseRegistryReference(`docker://${formatRegistryReference(parsed)}`)).toEqual(parsed);
        expect([parsed.tag, parsed.digest]).toEqual([t, d]);
      }),
    );
  });

  test("of any text is parsed or refused with a typed error", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("a", "/", ":", "@", ".", "[", "]", "A", "-", "_", "1") })),
        (text) => {
          try {
            const again = formatRegistryReference(parseRegistryReference(text));
            expect(formatRegistryReference(parseRegistryReference(again))).toBe(again);
          } catch (error) {
            expect(error).toMatchObject({ code: "REFERENCE_INVALID" });
          }
        },
      ),
      // A host by its capitals alone.
      { examples: [["A/a"], ["LOCALHOST/a"], ["A.example/a"]] },
    );
  });
});
