import { type OcilotError, digestOf, parseIndex, parseManifest } from "@ocilot/layout";
import { describe, expect, test } from "vitest";

/**
 * What Go's `encoding/json` does with a document decoded into the structs of image-spec, tried with the tools of
 * conventions.md 1.3: it takes it, refuses the whole document, or reads something else than `JSON.parse` does.
 */
type Verdict = "taken" | "refused" | "read otherwise";

const DIGEST = `sha256:${"a".repeat(64)}`;
const descriptor = (members: string): string =>
  `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"${DIGEST}",${members}}`;

/** A form of one descriptor, or of the members around it. */
const FORMS: readonly (readonly [string, string, Verdict])[] = [
  ["an integer", descriptor('"size":239'), "taken"],
  ["zero", descriptor('"size":0'), "taken"],
  ["a fraction of zero", descriptor('"size":239.0'), "refused"],
  ["an exponent of zero", descriptor('"size":239e0'), "refused"],
  ["an exponent", descriptor('"size":2.39E+2'), "refused"],
  ["a number in quotes", descriptor('"size":"239"'), "refused"],
  ["a boolean", descriptor('"size":true'), "refused"],
  ["an array", descriptor('"size":[239]'), "refused"],
  ["more than 64 bits", descriptor('"size":99999999999999999999'), "refused"],
  ["a fraction in a member of a vendor", descriptor('"size":239,"org.example":{"size":2.5,"ratio":0.5}'), "taken"],
  ["a fraction inside a string", descriptor('"size":239,"annotations":{"size":"239.0"}'), "taken"],
  ["a fraction in an escaped name", descriptor('"s\\u0069ze":239.0'), "refused"],
  ["a name in other letters", descriptor('"size":239,"Size":240'), "read otherwise"],
  ["a name in other letters, a fraction", descriptor('"Size":239.0'), "refused"],
  ["a name twice", descriptor('"size":239,"size":240'), "read otherwise"],
  ["null annotations", descriptor('"size":239,"annotations":null'), "taken"],
  ["a null artifact type", descriptor('"size":239,"artifactType":null'), "taken"],
  ["a null platform", descriptor('"size":239,"platform":null'), "taken"],
  ["an artifact type that is a number", descriptor('"size":239,"artifactType":1'), "refused"],
  ["an annotation that is a number", descriptor('"size":239,"annotations":{"a":1}'), "refused"],
  ["annotations that are an array", descriptor('"size":239,"annotations":[]'), "refused"],
  ["urls that are a string", descriptor('"size":239,"urls":"https://example.com"'), "refused"],
  ["a platform that is a string", descriptor('"size":239,"platform":"linux/amd64"'), "refused"],
  ["data that is base64", descriptor('"size":2,"data":"e30="'), "taken"],
  ["data with a line break", descriptor('"size":2,"data":"e3\\n0="'), "taken"],
  ["data without padding", descriptor('"size":2,"data":"e30"'), "refused"],
  ["data of another alphabet", descriptor('"size":2,"data":"-_-_"'), "refused"],
  ["a descriptor that is a string", '"x"', "refused"],
  ["a lone surrogate", descriptor('"size":239,"annotations":{"a":"\\ud800"}'), "taken"],
  ["a control character in a string", descriptor('"size":239,"annotations":{"a":"\t"}'), "refused"],
  ["a comma too many", descriptor('"size":239,'), "refused"],
  ["a leading zero", descriptor('"size":0239'), "refused"],
  ["a plus sign", descriptor('"size":+239'), "refused"],
  ["NaN", descriptor('"size":NaN'), "refused"],
];

/** The same around descriptors. */
const DOCUMENTS: readonly (readonly [string, (entry: string) => string, Verdict])[] = [
  ["schemaVersion as a fraction", (d) => `{"schemaVersion":2.0,"manifests":[${d}]}`, "refused"],
  ["schemaVersion in quotes", (d) => `{"schemaVersion":"2","manifests":[${d}]}`, "refused"],
  ["schemaVersion null", (d) => `{"schemaVersion":null,"manifests":[${d}]}`, "taken"],
  ["manifests that are an object", (d) => `{"schemaVersion":2,"manifests":${d}}`, "refused"],
  ["a byte order mark", (d) => `\ufeff{"schemaVersion":2,"manifests":[${d}]}`, "refused"],
];

function verdictOf(read: () => readonly { readonly kind: string }[]): Verdict {
  try {
    const quirks = read();
    if (quirks.some((q) => q.kind === "number-form")) return "refused";
    return quirks.length > 0 ? "read otherwise" : "taken";
  } catch (error) {
    expect((error as OcilotError).code).toMatch(/^(DOCUMENT|DESCRIPTOR|DIGEST|LAYOUT)_INVALID$/);
    return "refused";
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const plain = descriptor('"size":239');

describe("index.json as Go decodes it", () => {
  const read = (text: string): Verdict => verdictOf(() => parseIndex(bytesOf(text), digestOf(bytesOf(text))).quirks);

  test.each(FORMS)("%s", (_, entry, verdict) => {
    expect(read(`{"schemaVersion":2,"manifests":[${plain},${entry}]}`)).toBe(verdict);
  });

  test.each(DOCUMENTS)("%s", (_, document, verdict) => {
    expect(read(document(plain))).toBe(verdict);
  });
});

describe("a manifest as Go decodes it: what would be read otherwise is refused as well", () => {
  const IMAGE = "application/vnd.oci.image.manifest.v1+json";
  const read = (text: string): Verdict => verdictOf(() => (parseManifest(bytesOf(text), IMAGE, "x"), []));
  const strictly = (verdict: Verdict): Verdict => (verdict === "read otherwise" ? "refused" : verdict);

  for (const member of ["config", "subject", "layers"]) {
    test.each(FORMS)(`%s, in ${member}`, (_, value, verdict) => {
      const config = member === "config" ? value : plain;
      const layers = member === "layers" ? `${plain},${value}` : plain;
      const subject = member === "subject" ? `,"subject":${value}` : "";
      expect(read(`{"schemaVersion":2,"mediaType":"${IMAGE}","config":${config},"layers":[${layers}]${subject}}`)).toBe(strictly(verdict));
    });
  }
});
