import type { Layout } from "@ocilot/layout";
import { type Receipt, type VerifyOptions, makeReceipt, verifyLayout } from "@ocilot/referrers";
import type { Finding } from "@ocilot/referrers";

/** A receipt, and the errors that were found on the way: what they name is not in it. */
export interface TakenReceipt {
  readonly receipt: Receipt;
  readonly errors: readonly Finding[];
}

/**
 * Returns the receipt of what a layout holds. Content on this machine is hashed; what a registry says it has, it has checked.
 * @throws OcilotError what reading `index.json` throws
 */
export async function takeReceipt(
  layout: Layout,
  options: Pick<VerifyOptions, "references" | "signal" | "onProgress"> = {},
): Promise<TakenReceipt> {
  const { findings, evidence } = await verifyLayout(layout, { ...options, content: layout.keepsEntries ? "hash" : "presence" });
  if (evidence === undefined) throw new Error(findings[0]?.message ?? "the layout cannot be read");
  return { receipt: await makeReceipt(evidence), errors: findings.filter((f) => f.severity === "error") };
}
