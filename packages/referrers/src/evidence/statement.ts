import type { Descriptor, Digest } from "@ocilot/layout/spec";

/** What a referrer states about its subject. */
export const STATEMENT_KINDS = [
  "signature",
  "sbom",
  "provenance",
  "vex",
  "vulnerability-report",
  "attestation",
  "license",
  "source",
  "other",
] as const;
/** What a statement is: one of `STATEMENT_KINDS`. */
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/** The formats of documents and signatures that ocilot recognizes. */
export const STATEMENT_FORMATS = [
  "spdx",
  "cyclonedx",
  "syft-json",
  "slsa-provenance",
  "openvex",
  "csaf",
  "sarif",
  "cosign-vuln",
  "in-toto-vulns",
  "trivy-json",
  "slsa-vsa",
  "in-toto",
  "dsse",
  "sigstore-bundle",
  "cosign-simple-signing",
  "notation-jws",
  "notation-cose",
] as const;
/** The format of a statement: one of `STATEMENT_FORMATS`. */
export type StatementFormat = (typeof STATEMENT_FORMATS)[number];

/** The ways to wrap a statement, one for each file of `wrappings/`. */
export type WrappingId =
  | "buildkit"
  | "cosign-signature"
  | "cosign-attestation"
  | "cosign-sbom"
  | "sigstore-bundle"
  | "notation"
  | "in-toto"
  | "oci-artifact"
  | "oras-artifact"
  | "index"
  | "layer";

/** How the bytes of a document are written. */
export type DocumentEncoding = "json" | "xml" | "text" | "binary";

/** What something is: its kind, and as far as known its format. */
export interface StatementClass {
  readonly kind: StatementKind;
  readonly format?: StatementFormat;
  /** The version of the format, as the document or its type states it: `2.3` of SPDX, `v1` of SLSA provenance. */
  readonly version?: string;
  readonly encoding?: DocumentEncoding;
}

/**
 * The class of something, without what else it says.
 * @example
 * ```ts
 * import { classifyArtifactType, classOf } from "@ocilot/referrers";
 *
 * const [statement] = classifyArtifactType("application/spdx+json");
 * console.log(classOf(statement)); // without what wraps it
 * ```
 */
export function classOf(statement: StatementClass): StatementClass {
  const { kind, format, version, encoding } = statement;
  return {
    kind,
    ...(format !== undefined && { format }),
    ...(version !== undefined && { version }),
    ...(encoding !== undefined && { encoding }),
  };
}

/**
 * What a manifest alone tells of one statement, by its artifact type, the media types of config and layers, and its
 * annotations. No blob is read for it.
 */
export interface Classification extends StatementClass {
  readonly wrapping: WrappingId;
  /** As annotations of the manifest or the layer state it. */
  readonly predicateType?: string;
  /** The layer that holds the statement; absent where the manifest has no content. */
  readonly layer?: Descriptor;
}

/** One layer of packaging around a document, from the outside in. `data` is the string that cosign puts into a predicate of its own. */
export type UnwrapStep = "sigstore-bundle" | "dsse" | "in-toto" | "data";

/** What a certificate says of its holder. ocilot reads it and checks nothing. */
export interface CertificateClaims {
  /** E-mail addresses, URIs and names of the subject alternative name. */
  readonly identities: readonly string[];
  /** The OpenID Connect issuer, as Fulcio records it. */
  readonly oidcIssuer?: string;
  /** The common name, or the whole name where there is none. */
  readonly subject?: string;
  readonly issuer?: string;
  /** RFC 3339. */
  readonly notBefore?: string;
  /** RFC 3339. */
  readonly notAfter?: string;
}

/** What a signature says of who made it and when. Nothing of it is verified: anybody can write it. */
export interface SignerClaims {
  readonly keyHint?: string;
  readonly certificate?: CertificateClaims;
  /** RFC 3339: when it was signed or logged. */
  readonly time?: string;
  /** An entry of a transparency log is inside. */
  readonly hasLogEntry: boolean;
  /** A timestamp of RFC 3161 is inside. */
  readonly hasTimestamp: boolean;
}

/** Something about a statement that a person should know. */
export interface StatementNote {
  readonly code: "SUBJECT_DIFFERS" | "MALFORMED" | "TOO_LARGE" | "UNREADABLE" | "NESTED" | "FORMAT_DIFFERS" | "SUBJECTS_LEFT_OUT";
  readonly message: string;
}

/** One statement of a referrer, as its content gives it. ocilot never says that a signature is valid. */
export interface Statement extends Classification {
  /** The digests of what it is about, as the signed or stated text names them; empty where it names none. */
  readonly subjects: readonly Digest[];
  /** How many it names, with those beyond the limit of {@link MAX_SUBJECTS}. */
  readonly subjectCount: number;
  /** How to get from the layer to the document itself, from the outside in; empty where the layer is the document. */
  readonly steps: readonly UnwrapStep[];
  readonly signer?: SignerClaims;
  readonly notes: readonly StatementNote[];
}

/** Subjects of one statement beyond this number are counted and not kept. */
export const MAX_SUBJECTS = 1000;
