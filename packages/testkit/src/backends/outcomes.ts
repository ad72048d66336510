import { buffer } from "node:stream/consumers";
import { type Descriptor, type Digest, type Layout, OcilotError } from "@ocilot/layout";
import { type Referrer, listReferrers } from "@ocilot/referrers";

/** Everything that refers to a manifest, with what refers to that. */
export async function referrersOf(layout: Layout, subject: Digest): Promise<Referrer[]> {
  const found: Referrer[] = [];
  for await (const referrer of listReferrers(layout, subject, { recursive: true })) found.push(referrer);
  return found;
}

/** The content of a blob, read as a stream. */
export async function drain(layout: Layout, d: Descriptor, signal?: AbortSignal): Promise<Buffer> {
  return await buffer(await layout.blobs.open(d, { ...(signal && { signal }) }));
}

/** The code of the error that an action fails with. */
export async function codeOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
  } catch (error) {
    if (error instanceof OcilotError) return error.code;
    throw error;
  }
  return "no error";
}
