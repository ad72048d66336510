import { IMAGE_MANIFEST, type Descriptor, EMPTY_JSON } from "@ocilot/layout";
import { LayoutBuilder } from "@ocilot/testkit";

const SPDX = "application/spdx+json";
const CYCLONEDX = "application/vnd.cyclonedx+json";
const VEX = "application/vnd.openvex+json";

/** Packages of the SBOMs in {@link demoLayout}. */
const PACKAGES: readonly (readonly [name: string, version: string, license: string])[] = [
  ["openssl", "3.0.15-1~deb12u1", "OpenSSL"],
  ["libssl3", "3.0.15-1~deb12u1", "OpenSSL"],
  ["zlib1g", "1.2.13.dfsg-1", "Zlib"],
  ["libc6", "2.36-9+deb12u9", "LGPL-2.1-only"],
  ["bash", "5.2.15-2+b7", "GPL-3.0-or-later"],
  ["coreutils", "9.1-1", "GPL-3.0-or-later"],
  ["ca-certificates", "20230311", "MPL-2.0"],
  ["tzdata", "2024b-0+deb12u1", "public-domain"],
];

/** A referrer with this content. */
export function attached(
  b: LayoutBuilder,
  subject: Descriptor,
  artifactType: string,
  content: string,
  mediaType = artifactType,
): Descriptor {
  const config = b.blob("{}", EMPTY_JSON);
  return b.document(
    {
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      artifactType,
      config,
      layers: [b.blob(content, mediaType)],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      annotations: { "org.opencontainers.image.created": "2026-10-01T08:00:00Z" },
    },
    IMAGE_MANIFEST,
  );
}

function spdx(packages: readonly object[], name: string): string {
  return JSON.stringify({ spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", name, dataLicense: "CC0-1.0", packages });
}

/** A signature in the form of notation; nobody has signed it. */
function jws({ mediaType, digest, size }: Descriptor): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const type = "application/vnd.cncf.notary.payload.v1+json";
  return JSON.stringify({
    payload: part({ targetArtifact: { mediaType, digest, size } }),
    protected: part({ alg: "ES256", cty: type, "io.cncf.notary.signingTime": "2026-10-01T08:00:00Z" }),
    header: { x5c: [], "io.cncf.notary.signingAgent": "example" },
    signature: "c2ln",
  });
}

/** A layout as a release makes it: an image for two platforms with SBOMs, provenance, VEX and signatures, one of them on an SBOM. */
export function demoLayout(): LayoutBuilder {
  const b = new LayoutBuilder();
  const amd64 = b.image();
  const arm64 = b.image();
  const index = b.imageIndex([
    { ...amd64, platform: { os: "linux", architecture: "amd64" } },
    { ...arm64, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
  ]);
  b.entry(index, { tag: "1.4.0" }).entry(index, { tag: "latest" });
  const listed = PACKAGES.map(([name, versionInfo, licenseConcluded]) => ({
    name,
    versionInfo,
    licenseConcluded,
    externalRefs: [{ referenceType: "purl", referenceLocator: `pkg:deb/debian/${name}@${versionInfo}` }],
  }));
  const sbom = attached(b, amd64, SPDX, spdx(listed, "app"));
  const components = PACKAGES.map(([name, version, id]) => ({ type: "library", name, version, licenses: [{ license: { id } }] }));
  const other = attached(b, arm64, CYCLONEDX, JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components }));
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "app", digest: { sha256: index.digest.slice(7) } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: { buildType: "https://example.com/build", externalParameters: {} },
      runDetails: { builder: { id: "ci" } },
    },
  };
  const provenance = attached(b, index, "application/vnd.in-toto+json", JSON.stringify(statement));
  const vex = attached(b, index, VEX, JSON.stringify({ "@context": "https://openvex.dev/ns/v0.2.0", statements: [] }));
  const signature = attached(b, index, "application/vnd.cncf.notary.signature", jws(index), "application/jose+json");
  const onSbom = attached(b, sbom, "application/vnd.cncf.notary.signature", jws(sbom), "application/jose+json");
  for (const referrer of [sbom, other, provenance, vex, signature, onSbom]) b.listed(referrer);
  return b.entry(b.image(), { tag: "1.3.2" });
}

/** Texts that have done harm in pages. */
export const HOSTILE: readonly string[] = [
  "<script>globalThis.hacked = 1</script>",
  "</script><script>globalThis.hacked = 2</script>",
  "<!--<script>",
  '"><img src=x onerror="globalThis.hacked = 3">',
  "' onmouseover='globalThis.hacked = 4",
  "javascript:globalThis.hacked=5",
  "line\u2028separator\u2029paragraph",
  "right\u202eotfel-ot",
  "zero\u200bwidth",
  "$(touch hacked)`id`",
  "data:text/html,<script>globalThis.hacked=6</script>",
  "https://example.invalid/leak",
  "__proto__",
  "a".repeat(300),
];

/** A layout in which every text that a page could show is hostile. */
export function hostileLayout(): LayoutBuilder {
  const b = new LayoutBuilder();
  for (const text of HOSTILE) {
    const child = b.image({ annotations: { [text]: text } });
    const index = b.imageIndex([{ ...child, platform: { os: text, architecture: text, variant: text } }], { annotations: { note: text } });
    b.entry(index, { tag: text });
    const packages = [
      { name: text, versionInfo: text, licenseConcluded: text, externalRefs: [{ referenceType: "purl", referenceLocator: text }] },
    ];
    const sbom = attached(b, child, SPDX, spdx(packages, text));
    const odd = b.document(
      {
        schemaVersion: 2,
        mediaType: IMAGE_MANIFEST,
        artifactType: text,
        config: b.blob("{}", EMPTY_JSON),
        layers: [b.blob(`<html><script>globalThis.hacked = 7</script>${text}`, text)],
        subject: { mediaType: index.mediaType, digest: index.digest, size: index.size },
        annotations: { "org.opencontainers.image.created": text, "org.opencontainers.image.title": text },
      },
      IMAGE_MANIFEST,
    );
    b.listed(sbom).listed(odd);
  }
  return b;
}
