import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { FIXTURES } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { decodeBase64, decodePem, toHex } from "../src/evidence/encoding/base64.js";
import { readCbor } from "../src/evidence/encoding/cbor.js";
import { readCertificate } from "../src/evidence/encoding/certificate.js";
import { readDer } from "../src/evidence/encoding/der.js";
import { decodeString, elementOutlines, memberText, outlineOf } from "../src/evidence/encoding/json-outline.js";

describe("base64", () => {
  it("gives the bytes that Node encoded, in both alphabets, with and without padding", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const standard = Buffer.from(bytes).toString("base64");
        for (const text of [standard, standard.replaceAll("=", ""), Buffer.from(bytes).toString("base64url"), `${standard}\n`])
          expect(Buffer.from(decodeBase64(text)!)).toEqual(Buffer.from(bytes));
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
      }),
    );
  });

  it.each(["a", "ab=", "abc==", "ab c", "a===", "äbcd", "ab\u0000d", "====", "ab=c"])("refuses %j", (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});

describe("the outline of an object", () => {
  it("has the members that JSON.parse has, with the text of each", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2, "\t"), (object, indent) => {
        const text = ` ${JSON.stringify(object, null, indent)} `;
        const outline = outlineOf(text)!;
        expect(outline.isWhole).toBe(true);
        expect(outline.duplicate).toBeUndefined();
        expect([...outline.members.keys()].toSorted()).toEqual(Object.keys(object).toSorted());
        for (const [key, { start, end }] of outline.members)
          expect(JSON.parse(text.slice(start, end))).toEqual(JSON.parse(JSON.stringify(object[key])));
      }),
    );
  });

  it("of text that is cut off anywhere it is a part of that of the whole, and says that it is not whole", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, cut) => {
        const text = JSON.stringify(object);
        const outline = outlineOf(text.slice(0, 1 + (cut % (text.length - 1))))!;
        expect(outline.isWhole).toBe(false);
        for (const key of outline.members.keys()) expect(Object.hasOwn(object, key)).toBe(true);
      }),
    );
  });

  it("tells a member that stands twice, however it is spelled, and members called __proto__ are members", () => {
    expect(outlineOf('{"a":1,"\\u0061":2}')).toMatchObject({ duplicate: "a" });
    const outline = outlineOf('{"__proto__":"x","constructor":"y"}')!;
    expect([...outline.members.keys()]).toEqual(["__proto__", "constructor"]);
    expect(memberText('{"__proto__":"x"}', outline, "__proto__")).toBe("x");
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  it("takes a million levels of nesting and a million unclosed strings in its stride", () => {
    expect(outlineOf(`{"a":${"[".repeat(1_000_000)}`)!.isWhole).toBe(false);
    expect(outlineOf(`{"a":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`)!.isWhole).toBe(true);
    expect(outlineOf('{"'.repeat(100_000))!.isWhole).toBe(false);
    expect(outlineOf(`{"a":"${"\\".repeat(1_000_001)}"`)!.isWhole).toBe(false);
  });

  it("gives the objects of an array, whatever stands between them", () => {
    const text = '{"list":[{"a":1}, 2, [{"b":1}], {"c":{}}]}';
    expect([...elementOutlines(text, outlineOf(text), "list")].map((o) => [...o.members.keys()])).toEqual([["a"], ["c"]]);
    expect([...elementOutlines('{"list":[{"a"', outlineOf('{"list":[{"a"'), "list")]).toHaveLength(1);
  });

  it("decodes strings as JSON.parse does", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (s) => void expect(decodeString(JSON.stringify(s))).toBe(s)));
    expect(decodeString('"\\x"')).toBeUndefined();
    expect(decodeString('"')).toBeUndefined();
  });
});

describe("certificates", () => {
  const pem = readFileSync(join(FIXTURES, "evidence", "leaf.crt"), "utf8");

  it("say what OpenSSL and Node say", () => {
    const node = new X509Certificate(pem);
    const claims = readCertificate(decodePem(pem)!)!;
    expect(claims.identities).toEqual([node.subjectAltName!.replace("email:", "")]);
    expect(claims.oidcIssuer).toBe("https://issuer.example.com");
    expect(Date.parse(claims.notAfter!)).toBe(Date.parse(node.validTo));
    expect(Date.parse(claims.notBefore!)).toBe(Date.parse(node.validFrom));
  });

  it("cut off or changed anywhere, give claims or nothing, and no exception", () => {
    const der = decodePem(pem)!;
    for (let i = 0; i < der.length; i++) {
      expect(() => readCertificate(der.subarray(0, i))).not.toThrow();
      const changed = der.slice();
      changed[i] = changed[i]! ^ 0x8f;
      expect(() => readCertificate(changed)).not.toThrow();
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void [readCertificate(bytes), readDer(bytes)]));
  });
});

describe("CBOR", () => {
  const hex = (text: string): unknown => readCbor(Buffer.from(text, "hex"));

  // RFC 8949, appendix A.
  it.each([
    ["00", 0],
    ["1903e8", 1000],
    ["1b000000e8d4a51000", 1_000_000_000_000],
    ["3863", -100],
    ["f5", true],
    ["f4", false],
    ["6449455446", "IETF"],
    ["c11a514b67b0", 1_363_896_240],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    [
      "a26161016162820203",
      new Map<unknown, unknown>([
        ["a", 1],
        ["b", [2, 3]],
      ]),
    ],
  ])("%s", (text, value) => {
    expect(hex(text)).toEqual(value);
  });

  it.each(["", "18", "9b7fffffffffffffff", "5b7fffffffffffffff", "9f01ff", "81".repeat(100_000), "a1"])("%.20s is nothing", (text) => {
    expect(hex(text)).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readCbor(bytes)));
  });
});
