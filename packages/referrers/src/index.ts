/// <reference types="node" preserve="true" />
export * from "./web.js";
export { type Diagnosis, type DoctorOptions, type ConventionInUse, doctor } from "./doctor/doctor.js";
export { type CopyArchiveOptions, type CopyArchiveResult, copyToArchive } from "./copy/copy-archive.js";
export { type CopyOptions, type CopyResult, copyLayout } from "./copy/copy-layout.js";
export type { RefusedReferrer } from "./copy/referrer-refusals.js";
export type { CopyProgress } from "./copy/transfer-blobs.js";
export type { VerifyProgress } from "./verify/blob-content.js";
export type { VerifyEvidence, VerifyOptions, VerifyResult } from "./verify/evidence.js";
export { verifyLayout } from "./verify/verify-layout.js";
export { type Image, type Subject, imagesOf } from "./verify/images.js";
export { checkPolicy } from "./policy/check-policy.js";
export { compareReceipts } from "./receipt/compare-receipts.js";
export { parseReceipt } from "./receipt/parse-receipt.js";
export { RECEIPT_TYPE, type Receipt, type ReceiptRoot, makeReceipt, receiptText } from "./receipt/receipt.js";
export { type RepairPlan, type RepairStep, planRepair } from "./repair/plan-repair.js";
export { type RepairOptions, type RepairProgress, type RepairResult, repairLayout } from "./repair/repair-layout.js";
export {
  BUNDLE_FILE,
  type BlobSize,
  type BundleDocument,
  type BundlePart,
  type BundleRoot,
  parseBundleDocument,
} from "./bundle/bundle-document.js";
export { type BundleTarget, type RepositoryRule, mapRepository } from "./bundle/bundle-target.js";
export { type StagedBundle, fullName, stageBundle } from "./bundle/stage-bundle.js";
export { type BundlePlan, type BundlePlanOptions, planBundle } from "./bundle/plan-bundle.js";
export { type BundleOutput, writeBundle, writeParts } from "./bundle/write-bundle.js";
export { type OpenBundle, openBundle } from "./bundle/open-bundle.js";
export { BUNDLE_STATE, directoryTarget } from "./bundle/directory-target.js";
export { type KeptTag, setTags } from "./bundle/commit-set.js";
export { type RootFigures, rootFigures } from "./bundle/root-figures.js";
export { blobsElsewhere } from "./bundle/blobs-elsewhere.js";
export { repositoriesIn } from "./receipt/root-names.js";
export { mergeReceipts, redactReceipt, renameRoots } from "./receipt/edit-receipt.js";
export { type SetResult, type UnbundleOptions, type UnbundleResult, unbundle } from "./bundle/unbundle.js";
export { BUNDLE_TYPE, type BundleContent, type BundlePiece } from "./bundle/bundle-document.js";
export type { CommitOptions } from "./bundle/commit-set.js";
export type { SelectOptions } from "./copy/select-copy.js";
export type { ReceiptReferrer } from "./receipt/receipt.js";
export type { Offer } from "./repair/overlay.js";
export type { EmbeddedOffer, PlanRepairOptions } from "./repair/plan-repair.js";
export type { Content } from "./verify/blob-content.js";
export type { ReceiveOptions } from "./bundle/received-set.js";
