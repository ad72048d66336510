import type { Digest } from "@ocilot/layout";
import type { Finding, LayoutTrap, ManifestProblem, StatementKind, ToolHealth, VerifyResult } from "@ocilot/referrers";

/** What a referrer states, as the page shows it. Plain data; every text may come from outside. */
export interface StatementModel {
  readonly kind: StatementKind;
  readonly format?: string;
  readonly version?: string;
  readonly predicateType?: string;
  /** What the signature says of its signer; nothing of it is verified. */
  readonly signer?: { readonly identities: readonly string[]; readonly issuer?: string; readonly time?: string };
  /** The blob that holds the statement. */
  readonly blob?: { readonly digest: Digest; readonly mediaType: string; readonly size: number };
  readonly notes: readonly string[];
  /** The file name of the document, where it can be downloaded. */
  readonly document?: string;
}

/** A referrer with what it states, and its own referrers. */
export interface EvidenceModel {
  readonly subject: Digest;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly artifactType?: string;
  /** Of the manifest, in bytes. */
  readonly size: number;
  readonly created?: string;
  readonly conventions: readonly string[];
  /** False where the manifest has no `subject` and only a record makes the link. */
  readonly hasSubject: boolean;
  /** False where the manifest is missing or cannot be read. */
  readonly readable: boolean;
  readonly statements: readonly StatementModel[];
  readonly referrers: readonly EvidenceModel[];
}

/** A manifest and its evidence. */
export interface ManifestModel {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platform?: string;
  /** Of the manifest with all that it references, in bytes. */
  readonly size: number;
  readonly problem?: ManifestProblem;
  readonly evidence: readonly EvidenceModel[];
}

/** An image, or an artifact that stands for itself. */
export interface ImageModel extends ManifestModel {
  readonly tags: readonly string[];
  readonly artifactType?: string;
  /** The file that lists it, where `index.json` does not; it then has no manifest, and its config stands for it. */
  readonly file?: string;
  /** The manifests of an image index, through nested indexes; empty for any other image. */
  readonly platforms: readonly ManifestModel[];
}

/** A layout as the page shows it. */
export interface LayoutModel {
  /** The repository name, or the path of the layout. */
  readonly name: string;
  readonly images: readonly ImageModel[];
  /** Referrers that are not in the model because there are too many. */
  readonly leftOut: number;
}

/** Which tools find what. */
export interface DiagnosisModel {
  readonly healthy: boolean;
  /** What a registry supports, where the layout is a repository: there conventions say nothing. */
  readonly registry?: string;
  readonly referrers: number;
  readonly conventions: readonly { readonly id: string; readonly title: string; readonly entries: number }[];
  readonly tools: readonly (Pick<ToolHealth, "title" | "judged" | "found" | "total" | "healthy" | "blocked"> & { readonly id: string })[];
  readonly problems: readonly (Pick<LayoutTrap, "severity" | "programs" | "effect"> & {
    readonly code: string;
    readonly fix?: string;
    readonly places: readonly string[];
  })[];
}

/** What verify says. */
export interface VerificationModel {
  readonly findings: readonly Pick<Finding, "code" | "severity" | "path" | "message" | "fix">[];
  readonly checked: VerifyResult["checked"];
}

/** A package that an SBOM lists. */
export interface PackageModel {
  readonly name: string;
  readonly version?: string;
  readonly license?: string;
  /** Package URL. */
  readonly purl?: string;
}

/** The packages of one SBOM, and where it is. */
export interface SbomModel {
  readonly image: Digest;
  readonly tags: readonly string[];
  readonly platform?: string;
  readonly subject: Digest;
  readonly referrer: Digest;
  readonly format: string;
  readonly packages: readonly PackageModel[];
  /** Packages beyond the limit, which are not listed. */
  readonly leftOut: number;
  /** Why it cannot be searched. */
  readonly problem?: string;
}
