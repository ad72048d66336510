export * from "./conventions/convention.js";
export * from "./records/projection.js";
export * from "./graph/edge.js";
export { viewOfSubject } from "./records/subject-view.js";
export { countReferrers } from "./graph/count-referrers.js";
export { ReferrerGraph, subjectEdge } from "./graph/referrer-graph.js";
export { ManifestCache } from "./view/manifest-cache.js";
export { openView } from "./view/open-view.js";
export type { ViewOptions } from "./view/view-options.js";
export { findProblems, largeMessage } from "./verify/problems.js";
export { rootImages } from "./conventions/root-images.js";
export { type OpenedEntry, openEntries } from "./records/referrer-entries.js";
export { readGraph } from "./conventions/read-graph.js";
export { type ReadSubjectOptions, readSubject } from "./conventions/read-subject.js";
export { referrersTag } from "./records/referrers-tag.js";
export { responseDescriptor, responsePieces, responseText, sameLine } from "./records/response-index.js";
export { type ListOptions, type Referrer, listReferrers, referrersIn } from "./conventions/list-referrers.js";
export { CONVENTIONS, TARGETS, findConvention, withConventions } from "./conventions/registry.js";
export type { ReaderTool, ToolId, Trap } from "./tools/reader-tool.js";
export { TOOLS, findTool } from "./tools/registry.js";
export { type ApplyResult, applyPlan, convert } from "./convert/apply-plan.js";
export {
  type SupportCell,
  LINK_CLASSES,
  type LinkClass,
  NEVER_TARGETS,
  REFUSALS,
  type RefusalReason,
  SOURCE_ROWS,
  type SourceRow,
  type TargetRow,
  TARGET_ROWS,
  supportCell,
} from "./conventions/support-matrix.js";
export type { ConversionOptions } from "./convert/conversion-options.js";
export { planConversion } from "./convert/plan-conversion.js";
export type { Plan, Step } from "./convert/plan.js";
export type { TrapLocation } from "./doctor/examination.js";
export { JUDGED_TOOLS, type ToolHealth } from "./doctor/tool-health.js";
export { TRAPS, TRAP_CODES, type OtherProgram, type TrapCode, type TrapRow } from "./doctor/trap-codes.js";
export type { LayoutTrap } from "./doctor/judge-traps.js";
export { type LiftOptions, type LiftResult, lift } from "./lift/lift.js";
export { LIFTED_FROM } from "./lift/lifted.js";
export { LIFT_SOURCES, type Lift, type LiftSource, type NotLifted } from "./lift/plan-lift.js";
export { type LayoutView, type ManifestNode, type NewBlob, type Reached, manifestOf } from "./view/layout-view.js";
export { type AttachOptions, attach } from "./write/attach.js";
export type { ArtifactLayer, NewArtifact, NewNotationSignature, NewReferrer, NewSigstoreBundle } from "./write/new-referrer.js";
export { type DetachOptions, type DetachResult, detach } from "./write/detach.js";
export { ManifestRecorder, type NewManifest, type Recorded } from "./write/manifest-recorder.js";
export { removeManifest } from "./write/remove-manifest.js";
export type { DanglingSubject } from "./write/subject.js";
export type { DockerEntry } from "./copy/docker-manifest.js";
export { type ImagePlatforms, type PlatformImage, imagePlatforms } from "./platform/image-platforms.js";
export { matchesPlatform } from "./platform/match-platform.js";
export { formatPlatform, parsePlatform } from "./platform/parse-platform.js";
export { type ResolvePlatformOptions, choosePlatform, resolvePlatform } from "./platform/resolve-platform.js";
export { SPARSE_PLATFORMS } from "./platform/sparse-platforms.js";
export { type GcOptions, collectGarbage } from "./gc/collect-garbage.js";
export type { GcResult, GcStep, KeepReason, StepFigures } from "./gc/gc-result.js";
export { FINDINGS, type FindingCode, type FindingRow, type Severity } from "./verify/finding-codes.js";
export type { Finding } from "./verify/finding.js";
export type { PathStep } from "./verify/reference-path.js";
export { fileError } from "./verify/file-error.js";
export { POLICY_FILE, checkPolicyJson, parsePolicy } from "./policy/parse-policy.js";
export { parseRequire } from "./policy/parse-require.js";
export { NO_POLICY, type Policy, type Requirement, type Scope, joinPolicies } from "./policy/policy.js";
export { matchesGlob } from "./graph/glob.js";
export * from "./evidence/index.js";
export type { BundleSource } from "./bundle/bundle-source.js";
export { isPartOf, partName } from "./bundle/part-names.js";
export { commonName, splitTarName } from "./bundle/part-names.js";
export { type DockerManifests, dockerManifests } from "./view/docker-manifests.js";
export { contentSize } from "./images/content-size.js";
export { type DockerOnlyImage, dockerOnlyImages } from "./images/docker-only-images.js";
export { imageEntries } from "./images/image-entries.js";
export { type ManifestProblem, manifestProblem } from "./images/manifest-problem.js";
export { platformManifests } from "./images/platform-manifests.js";
export type { KeptReason } from "./bundle/tag-ledger.js";
export type { MovedName } from "./copy/copied-entries.js";
export type { OpenedContent } from "./evidence/content.js";
export type { Garbage, PlanOptions } from "./gc/gc-result.js";
export type { Inventory } from "./verify/blob-uses.js";
export type { Described, DescriptorMap, DescriptorSet } from "./view/descriptor-map.js";
export type { ListedNode } from "./view/layout-view.js";
export type { DetachedLink } from "./write/detach.js";
export type { Omission } from "./platform/omitted-children.js";
export type { Use } from "./verify/use.js";
