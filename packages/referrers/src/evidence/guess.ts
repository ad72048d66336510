import { memberOutline, memberText, outlineOf, firstElement, type JsonOutline } from "./encoding/json-outline.js";
import { classOfPredicate } from "./predicate-classes.js";
import type { StatementClass } from "./statement.js";

/** What a document is by its content, and the types under which it is attached. */
export interface ContentGuess extends StatementClass {
  /** For people, like `SPDX 2.3 (JSON)`. */
  readonly title: string;
  /** The artifact type, which is the media type of the layer too; absent where nobody has given the format one. */
  readonly mediaType?: string;
  /** Of an in-toto statement. */
  readonly predicateType?: string;
}

/** So many of the first bytes of a document are enough; more do not help, and fewer may do. */
export const GUESS_BYTES: number = 1024 * 1024;

/**
 * What a document is, by its first bytes, which may be cut off anywhere; undefined where it is none that ocilot knows.
 * It knows SPDX (JSON, tag-value), CycloneDX (JSON, XML), Syft, in-toto statements and DSSE envelopes, OpenVEX, CSAF, SARIF,
 * Trivy and cosign vulnerability reports, sigstore bundles, cosign payloads and notation signatures.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { guessContent } from "@ocilot/referrers";
 *
 * console.log(guessContent(await readFile("./sbom.json"))?.mediaType);
 * ```
 */
export function guessContent(bytes: Uint8Array): ContentGuess | undefined {
  if (isNotationCose(bytes)) return guess("signature", "notation-cose", undefined, "binary", "application/cose");
  const text = new TextDecoder().decode(bytes.subarray(0, GUESS_BYTES)).replace(/^\uFEFF/, "");
  return guessText(text);
}

/** COSE_Sign1 by its tag and its four parts, and notation by the names of its headers. */
function isNotationCose(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0xd2 || bytes[1] !== 0x84) return false;
  return new TextDecoder("latin1").decode(bytes.subarray(0, 512)).includes("io.cncf.notary.");
}

/** As {@link guessContent}, of text at hand. */
export function guessText(text: string): ContentGuess | undefined {
  const outline = outlineOf(text);
  if (outline !== undefined) return guessJson(text, outline);
  const start = text.slice(0, 4096).trimStart();
  if (start.startsWith("<")) return guessXml(start);
  const tagValue = /^(?:#[^\n]*\n|\s)*SPDXVersion:\s*SPDX-(\d+\.\d+)/.exec(start);
  return tagValue === null ? undefined : guess("sbom", "spdx", tagValue[1], "text", "text/spdx");
}

function guessXml(start: string): ContentGuess | undefined {
  const root = /<(?:[A-Za-z0-9_]+:)?bom\s[^>]*["']https?:\/\/cyclonedx\.org\/schema\/bom\/(\d+\.\d+)["']/.exec(start);
  return root === null ? undefined : guess("sbom", "cyclonedx", root[1], "xml", "application/vnd.cyclonedx+xml");
}

type Rule = (text: string, root: JsonOutline) => ContentGuess | undefined;

/** Tried in this order; each needs a member that only its own documents have. */
const RULES: readonly Rule[] = [
  sigstoreBundle,
  dsse,
  inToto,
  spdx,
  cyclonedx,
  openvex,
  csaf,
  sarif,
  syft,
  simpleSigning,
  jws,
  cosignVuln,
  trivy,
];

function guessJson(text: string, root: JsonOutline): ContentGuess | undefined {
  for (const rule of RULES) {
    const found = rule(text, root);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sigstoreBundle(text: string, root: JsonOutline): ContentGuess | undefined {
  const type = memberText(text, root, "mediaType") ?? "";
  const version = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v|\+json;version=)(\d+\.\d+)/.exec(type)?.[1];
  if (version === undefined) return undefined;
  // The older spelling has a parameter, which an artifact type cannot have.
  return guess("signature", "sigstore-bundle", version, "json", `application/vnd.dev.sigstore.bundle.v${version}+json`);
}

function dsse(_text: string, root: JsonOutline): ContentGuess | undefined {
  const isEnvelope = root.members.get("payload")?.type === "string" && root.members.has("payloadType");
  return isEnvelope ? guess("attestation", "dsse", undefined, "json", "application/vnd.dsse.envelope.v1+json") : undefined;
}

function inToto(text: string, root: JsonOutline): ContentGuess | undefined {
  const version = /^https:\/\/in-toto\.io\/Statement\/(v\d+(?:\.\d+)?)$/.exec(memberText(text, root, "_type") ?? "")?.[1];
  if (version === undefined) return undefined;
  const predicateType = memberText(text, root, "predicateType");
  const about = predicateType === undefined ? undefined : classOfPredicate(predicateType);
  const { kind, format } = about ?? { kind: "attestation" as const, format: undefined };
  return {
    ...guess(kind, format ?? "in-toto", about?.version, "json", "application/vnd.in-toto+json"),
    title: `in-toto statement ${version}${predicateType === undefined ? "" : ` of ${predicateType}`}`,
    ...(predicateType !== undefined && { predicateType }),
  };
}

function spdx(text: string, root: JsonOutline): ContentGuess | undefined {
  const version = /^SPDX-(\d+\.\d+)/.exec(memberText(text, root, "spdxVersion") ?? "")?.[1];
  const version3 = /^https:\/\/spdx\.org\/rdf\/(\d+\.\d+(?:\.\d+)?)\//.exec(memberText(text, root, "@context") ?? "")?.[1];
  if (version === undefined && version3 === undefined && memberText(text, root, "SPDXID") !== "SPDXRef-DOCUMENT") return undefined;
  return guess("sbom", "spdx", version ?? version3, "json", "application/spdx+json");
}

function cyclonedx(text: string, root: JsonOutline): ContentGuess | undefined {
  if (memberText(text, root, "bomFormat") !== "CycloneDX") return undefined;
  return guess("sbom", "cyclonedx", memberText(text, root, "specVersion"), "json", "application/vnd.cyclonedx+json");
}

function openvex(text: string, root: JsonOutline): ContentGuess | undefined {
  const found = /^https:\/\/openvex\.dev\/ns(?:\/(v\d+(?:\.\d+)*))?/.exec(memberText(text, root, "@context") ?? "");
  return found === null ? undefined : guess("vex", "openvex", found[1], "json", "application/vnd.openvex+json");
}

function csaf(text: string, root: JsonOutline): ContentGuess | undefined {
  const document = memberOutline(text, root, "document");
  const version = memberText(text, document, "csaf_version");
  return version === undefined ? undefined : guess("vex", "csaf", version, "json", "application/csaf+json");
}

function sarif(text: string, root: JsonOutline): ContentGuess | undefined {
  const isSarif = root.members.get("runs")?.type === "array" && /sarif/i.test(memberText(text, root, "$schema") ?? "sarif");
  if (!isSarif || !root.members.has("version")) return undefined;
  return guess("vulnerability-report", "sarif", memberText(text, root, "version"), "json", "application/sarif+json");
}

/** Its own `schema` stands last, behind what may be many megabytes. */
function syft(text: string, root: JsonOutline): ContentGuess | undefined {
  const schema = memberOutline(text, root, "schema");
  const isNamed = /anchore\/syft/.test(memberText(text, schema, "url") ?? "");
  const first = firstElement(text, root, "artifacts");
  if (!isNamed && !(first?.members.has("foundBy") === true && first.members.has("locations"))) return undefined;
  return guess("sbom", "syft-json", isNamed ? memberText(text, schema, "version") : undefined, "json", "application/vnd.syft+json");
}

function simpleSigning(text: string, root: JsonOutline): ContentGuess | undefined {
  const critical = memberOutline(text, root, "critical");
  if (critical?.members.get("image")?.type !== "object" || !critical.members.has("identity")) return undefined;
  return guess("signature", "cosign-simple-signing", undefined, "json", "application/vnd.dev.cosign.simplesigning.v1+json");
}

function jws(_text: string, root: JsonOutline): ContentGuess | undefined {
  const isJws = ["payload", "protected", "signature"].every((key) => root.members.get(key)?.type === "string");
  return isJws ? guess("signature", "notation-jws", undefined, "json", "application/jose+json") : undefined;
}

/** Trivy uploads it as `application/json`, which tells nothing. */
function cosignVuln(text: string, root: JsonOutline): ContentGuess | undefined {
  const scanner = memberOutline(text, root, "scanner");
  if (scanner?.members.has("result") !== true || !root.members.has("invocation")) return undefined;
  return guess("vulnerability-report", "cosign-vuln", undefined, "json");
}

function trivy(_text: string, root: JsonOutline): ContentGuess | undefined {
  const isTrivy = root.members.has("SchemaVersion") && root.members.has("ArtifactName") && root.members.has("ArtifactType");
  return isTrivy ? guess("vulnerability-report", "trivy-json", undefined, "json") : undefined;
}

const NAMES: Partial<Record<NonNullable<StatementClass["format"]>, string>> = {
  spdx: "SPDX",
  cyclonedx: "CycloneDX",
  "syft-json": "Syft",
  openvex: "OpenVEX",
  csaf: "CSAF",
  sarif: "SARIF",
  dsse: "DSSE envelope",
  "sigstore-bundle": "sigstore bundle",
  "cosign-simple-signing": "cosign signature payload",
  "cosign-vuln": "cosign vulnerability report",
  "notation-jws": "notation signature (JWS)",
  "notation-cose": "notation signature (COSE)",
  "trivy-json": "Trivy report",
};

function guess(
  kind: StatementClass["kind"],
  format: NonNullable<StatementClass["format"]>,
  version: string | undefined,
  encoding: NonNullable<StatementClass["encoding"]>,
  mediaType?: string,
): ContentGuess {
  const hasForms = format === "spdx" || format === "cyclonedx";
  const form = hasForms ? ` (${encoding === "text" ? "tag-value" : encoding.toUpperCase()})` : "";
  const title = `${NAMES[format] ?? format}${version === undefined ? "" : ` ${version}`}${form}`;
  return {
    kind,
    format,
    ...(version !== undefined && { version: version.slice(0, 64) }),
    encoding,
    title,
    ...(mediaType !== undefined && { mediaType }),
  };
}
