import type { StatementClass, StatementKind } from "./statement.js";

/** Media types that say what an artifact or a layer is; others are judged by the words in them. */
const CLASSES: ReadonlyMap<string, StatementClass> = new Map<string, StatementClass>([
  ["application/spdx+json", { kind: "sbom", format: "spdx", encoding: "json" }],
  ["application/vnd.spdx+json", { kind: "sbom", format: "spdx", encoding: "json" }],
  ["text/spdx+json", { kind: "sbom", format: "spdx", encoding: "json" }],
  ["spdx+json", { kind: "sbom", format: "spdx", encoding: "json" }],
  ["application/spdx+xml", { kind: "sbom", format: "spdx", encoding: "xml" }],
  ["text/spdx+xml", { kind: "sbom", format: "spdx", encoding: "xml" }],
  ["text/spdx", { kind: "sbom", format: "spdx", encoding: "text" }],
  ["application/vnd.cyclonedx+json", { kind: "sbom", format: "cyclonedx", encoding: "json" }],
  ["application/vnd.cyclonedx+xml", { kind: "sbom", format: "cyclonedx", encoding: "xml" }],
  ["application/vnd.cyclonedx", { kind: "sbom", format: "cyclonedx" }],
  ["application/vnd.syft+json", { kind: "sbom", format: "syft-json", encoding: "json" }],
  ["application/vnd.dev.cosign.artifact.sbom.v1+json", { kind: "sbom" }],
  ["application/vnd.goharbor.harbor.sbom.v1", { kind: "sbom" }],
  ["application/vnd.openvex+json", { kind: "vex", format: "openvex", encoding: "json" }],
  ["application/openvex+json", { kind: "vex", format: "openvex", encoding: "json" }],
  ["application/csaf+json", { kind: "vex", format: "csaf", encoding: "json" }],
  ["application/vnd.csaf+json", { kind: "vex", format: "csaf", encoding: "json" }],
  ["application/sarif+json", { kind: "vulnerability-report", format: "sarif", encoding: "json" }],
  ["application/vnd.security.vulnerability.report", { kind: "vulnerability-report", encoding: "json" }],
  ["application/vnd.scanner.adapter.vuln.report.harbor+json", { kind: "vulnerability-report", encoding: "json" }],
  ["application/vnd.cncf.notary.signature", { kind: "signature" }],
  ["application/jose+json", { kind: "signature", format: "notation-jws", encoding: "json" }],
  ["application/cose", { kind: "signature", format: "notation-cose", encoding: "binary" }],
  ["application/vnd.dev.cosign.artifact.sig.v1+json", { kind: "signature", format: "cosign-simple-signing", encoding: "json" }],
  ["application/vnd.dev.cosign.simplesigning.v1+json", { kind: "signature", format: "cosign-simple-signing", encoding: "json" }],
  ["application/vnd.in-toto+json", { kind: "attestation", format: "in-toto", encoding: "json" }],
  ["application/vnd.dsse.envelope.v1+json", { kind: "attestation", format: "dsse", encoding: "json" }],
  ["application/vnd.dev.cosign.artifact.att.v1+json", { kind: "attestation", encoding: "json" }],
  ["application/vnd.docker.attestation.manifest.v1+json", { kind: "attestation", format: "in-toto", encoding: "json" }],
]);

const SIGSTORE_BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v(\d+\.\d+)\+json|\+json\s*;\s*version=(\d+\.\d+))/;
const IN_TOTO_DSSE = /^application\/vnd\.in-toto(?:\.([a-z0-9-]+))?\+(?:dsse|json)$/;

/** Words of vendors' own types, in the order in which they decide: a signature of an SBOM is a signature. */
const WORDS: readonly (readonly [RegExp, StatementKind])[] = [
  [/(?:^|[^a-z])(?:signature|signatures|sig)(?:[^a-z]|$)/, "signature"],
  [/(?:^|[^a-z])(?:sbom|bom|spdx|cyclonedx)(?:[^a-z]|$)/, "sbom"],
  [/(?:^|[^a-z])provenance(?:[^a-z]|$)/, "provenance"],
  [/(?:^|[^a-z])(?:vex|openvex)(?:[^a-z]|$)/, "vex"],
  [/(?:^|[^a-z])(?:vuln|vulns|vulnerability|vulnerabilities|sarif)(?:[^a-z]|$)/, "vulnerability-report"],
  [/(?:^|[^a-z])attestations?(?:[^a-z]|$)/, "attestation"],
  [/(?:^|[^a-z])licen[cs]es?(?:[^a-z]|$)/, "license"],
  [/(?:^|[^a-z])(?:source|sources|sourcecode)(?:[^a-z]|$)/, "source"],
];

const OTHER: StatementClass = { kind: "other" };
const known = new Map<string, StatementClass>();
const MAX_KNOWN = 1000;

/**
 * What an artifact type or the media type of a layer says; kind `other` where it says nothing. Parameters do not count.
 * @example
 * ```ts
 * import { classOfMediaType } from "@ocilot/referrers";
 *
 * console.log(classOfMediaType("application/spdx+json")); // kind sbom, format spdx
 * ```
 */
export function classOfMediaType(mediaType: string): StatementClass {
  let found = known.get(mediaType);
  if (found === undefined) {
    found = judge(mediaType);
    if (known.size < MAX_KNOWN) known.set(mediaType, found);
  }
  return found;
}

function judge(mediaType: string): StatementClass {
  const type = mediaType.slice(0, 256).toLowerCase();
  const bundle = SIGSTORE_BUNDLE.exec(type);
  if (bundle !== null) return { kind: "signature", format: "sigstore-bundle", version: bundle[1] ?? bundle[2]!, encoding: "json" };
  const plain = type.split(";", 1)[0]!.trim();
  const exact = CLASSES.get(plain);
  if (exact !== undefined) return exact;
  const about = IN_TOTO_DSSE.exec(plain)?.[1];
  if (about !== undefined) return { kind: WORDS.find(([word]) => word.test(about))?.[1] ?? "attestation", encoding: "json" };
  const kind = WORDS.find(([word]) => word.test(plain))?.[1];
  return kind === undefined ? OTHER : { kind };
}

/** Tells whether a media type is of a sigstore bundle, of any version. */
export function isSigstoreBundle(mediaType: string | undefined): boolean {
  return mediaType !== undefined && SIGSTORE_BUNDLE.test(mediaType);
}

/** Tells whether a media type is of an in-toto statement or an envelope around one. */
export function isInToto(mediaType: string): boolean {
  return mediaType === "application/vnd.dsse.envelope.v1+json" || IN_TOTO_DSSE.test(mediaType);
}
