export * from "./convention.js";
export * from "./edge.js";
export { focusOn } from "./focus.js";
export { ReferrerGraph } from "./graph.js";
export { openView, type ViewOptions } from "./layout-view.js";
export { findProblems } from "./problems.js";
export { readGraph } from "./read-graph.js";
export { referrersTag } from "./referrers-tag.js";
export { responseLine, responsePieces, responseText } from "./response-index.js";
export { type ListOptions, type Referrer, listReferrers, referrersIn } from "./referrers.js";
export { CONVENTIONS, TARGETS, findConvention } from "./conventions/registry.js";
export type { ReaderTool, ToolId, Trap } from "./reader-tool.js";
export { TOOLS, findTool } from "./tools/registry.js";
export { type ApplyResult, applyPlan, convert } from "./convert/apply.js";
export {
  type GridCell,
  LINK_CLASSES,
  type LinkClass,
  NEVER_TARGETS,
  REFUSALS,
  type RefusalReason,
  SOURCE_ROWS,
  TARGET_ROWS,
  gridCell,
} from "./convert/grid.js";
export { type ConversionOptions, type Plan, type Step, planConversion } from "./convert/plan.js";
export { type Diagnosis, type DoctorOptions, type Spoken, doctor } from "./doctor/doctor.js";
export type { TrapPlace } from "./doctor/examination.js";
export { JUDGED, type ToolHealth } from "./doctor/tool-health.js";
export { TRAPS, TRAP_CODES, type OtherProgram, type TrapCode, type TrapRow } from "./doctor/trap-codes.js";
export type { LayoutTrap } from "./doctor/weigh.js";
export { type LiftOptions, type LiftResult, lift } from "./lift/lift.js";
export { LIFTED_FROM } from "./lift/lifted.js";
export { LIFT_SOURCES, type Lift, type LiftSource, type NotLifted } from "./lift/plan-lift.js";
export { type LayoutView, type ManifestNode, type NewBlob, type Reached, manifestOf } from "./view.js";
export { type ArtifactLayer, type AttachOptions, type NewArtifact, type NewReferrer, attach } from "./write/attach.js";
export { type DetachOptions, type DetachResult, detach } from "./write/detach.js";
export type { DanglingSubject } from "./write/subject.js";
export { type CopyArchiveOptions, type CopyArchiveResult, copyToArchive } from "./copy/copy-archive.js";
export { type CopyOptions, type CopyResult, copyLayout } from "./copy/copy-layout.js";
export type { DockerEntry } from "./copy/docker-manifest.js";
export { formatPlatform, matchesPlatform, parsePlatform } from "./copy/platform.js";
export { SPARSE_PLATFORMS } from "./copy/sparse.js";
export type { CopyProgress } from "./copy/transfer-blobs.js";
export { type GcOptions, collectGarbage } from "./gc/collect.js";
export type { GcResult, GcStep, SpareReason, StepFigures } from "./gc/gc-result.js";
export { FINDINGS, type FindingCode, type FindingRow, type Severity } from "./verify/codes.js";
export type { Finding } from "./verify/finding.js";
export type { PathStep } from "./verify/path.js";
export type { VerifyProgress } from "./verify/content.js";
export { type Evidence, type VerifyOptions, type VerifyResult, fileError, verifyLayout } from "./verify/verify-layout.js";
export { type Image, type Subject, imagesOf } from "./verify/images.js";
export { checkPolicy } from "./policy/check-policy.js";
export { POLICY_FILE, checkPolicyJson, parsePolicy } from "./policy/parse-policy.js";
export { parseRequire } from "./policy/parse-require.js";
export { NO_POLICY, type Policy, type Requirement, type Scope, joinPolicies, matchesGlob } from "./policy/policy.js";
export { compareReceipts } from "./receipt/compare-receipts.js";
export { parseReceipt } from "./receipt/parse-receipt.js";
export { RECEIPT_TYPE, type Receipt, type ReceiptRoot, makeReceipt, receiptText } from "./receipt/receipt.js";
export { type RepairPlan, type RepairStep, planRepair } from "./repair/plan-repair.js";
export { type RepairOptions, type RepairResult, repairLayout } from "./repair/repair-layout.js";
