import type { StatementClass } from "./statement.js";

/** Predicate types by what they begin with; what follows it is the version. The longest that fits decides. */
const CLASSES: readonly (readonly [string, StatementClass])[] = [
  ["https://slsa.dev/provenance", { kind: "provenance", format: "slsa-provenance", encoding: "json" }],
  ["https://in-toto.io/attestation/provenance", { kind: "provenance", format: "slsa-provenance", encoding: "json" }],
  ["https://slsa.dev/verification_summary", { kind: "attestation", format: "slsa-vsa", encoding: "json" }],
  ["https://spdx.dev/Document", { kind: "sbom", format: "spdx", encoding: "json" }],
  ["https://cyclonedx.org/vex", { kind: "vex", format: "cyclonedx", encoding: "json" }],
  ["https://cyclonedx.org", { kind: "sbom", format: "cyclonedx", encoding: "json" }],
  ["https://syft.dev/bom", { kind: "sbom", format: "syft-json", encoding: "json" }],
  ["https://openvex.dev/ns", { kind: "vex", format: "openvex", encoding: "json" }],
  ["https://docs.oasis-open.org/csaf", { kind: "vex", format: "csaf", encoding: "json" }],
  ["https://cosign.sigstore.dev/attestation/vuln", { kind: "vulnerability-report", format: "cosign-vuln", encoding: "json" }],
  ["https://in-toto.io/attestation/vulns", { kind: "vulnerability-report", format: "in-toto-vulns", encoding: "json" }],
  ["https://json.schemastore.org/sarif", { kind: "vulnerability-report", format: "sarif", encoding: "json" }],
  ["https://docs.oasis-open.org/sarif", { kind: "vulnerability-report", format: "sarif", encoding: "json" }],
  ["https://sigstore.dev/cosign/sign", { kind: "signature", format: "in-toto", encoding: "json" }],
];
const UNKNOWN: StatementClass = { kind: "attestation", format: "in-toto", encoding: "json" };

/**
 * What a predicate type says a statement is; an unknown one is an attestation.
 * @example
 * ```ts
 * import { classOfPredicate } from "@ocilot/referrers";
 *
 * console.log(classOfPredicate("https://slsa.dev/provenance/v1").kind); // provenance
 * ```
 */
export function classOfPredicate(predicateType: string): StatementClass {
  const found = CLASSES.find(([prefix]) => predicateType.startsWith(prefix) && isEnd(predicateType[prefix.length]));
  if (found === undefined) return UNKNOWN;
  const version = /[/-](v?\d+(?:\.\d+)*)(?:$|[/.])/.exec(predicateType.slice(found[0].length))?.[1];
  return version === undefined ? found[1] : { ...found[1], version };
}

/** So that `https://slsa.dev/provenance-of-mine` is nothing of SLSA's. */
function isEnd(c: string | undefined): boolean {
  return c === undefined || "/?#@-.".includes(c);
}
