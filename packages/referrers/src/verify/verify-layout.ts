import { countReferrers } from "../graph/count-referrers.js";
import type { Layout } from "@ocilot/layout";
import type { VerifyEvidence, VerifyOptions, VerifyResult } from "./evidence.js";
import { fileError } from "./file-error.js";
import { bySeverity, finish } from "./finding.js";
import { judgeBesideWriters } from "./beside-writers.js";

/**
 * Verifies a layout: hashes every referenced blob, compares every descriptor with its blob, and every record of a convention with
 * the manifests. What is wrong is a finding, not an error. Beside writers, a finding is made only if it also holds for a new
 * snapshot of `index.json`.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS` for a reference; `ABORTED`
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { verifyLayout } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { findings, checked } = await verifyLayout(layout, { references: ["v1"] });
 * console.log(checked.blobs, findings.filter((f) => f.severity === "error"));
 * ```
 */
export async function verifyLayout(layout: Layout, options: VerifyOptions = {}): Promise<VerifyResult> {
  const { strict = false } = options;
  try {
    const { evidence, findings } = await judgeBesideWriters(layout, options);
    return { findings: bySeverity(finish(findings, layout.location, strict)), checked: countChecked(evidence), evidence };
  } catch (error) {
    const found = fileError(error);
    if (found === undefined) throw error;
    return { findings: finish([found], layout.location, strict), checked: { manifests: 0, blobs: 0, bytes: 0, referrers: 0 } };
  }
}

function countChecked({ inventory, contents }: VerifyEvidence): VerifyResult["checked"] {
  const sizes = [...contents.values()].flatMap((c) => ("size" in c ? c.size : []));
  return {
    manifests: inventory.manifests.size,
    blobs: sizes.length,
    bytes: sizes.reduce((sum, n) => sum + n, 0),
    referrers: countReferrers(inventory.edges),
  };
}
