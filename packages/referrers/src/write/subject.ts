import { type Descriptor, type Digest, IMAGE_MANIFEST, type Layout, OcilotError, manifestKind } from "@ocilot/layout/web";
import type { ReferrerGraph } from "../graph/referrer-graph.js";

/** What is known of a subject that is not in the layout. */
export interface DanglingSubject {
  readonly digest: Digest;
  readonly mediaType?: string;
  readonly size?: number;
}

/**
 * The descriptor by which a new referrer names its subject: `mediaType`, `digest` and `size` exactly as they are,
 * because readers compare all three. The graph is asked only for a subject that is absent.
 * @throws OcilotError `REF_NOT_FOUND` for an absent subject, `USAGE` for one that is no manifest
 */
export async function subjectDescriptor(
  layout: Layout,
  graph: () => Promise<ReferrerGraph>,
  wanted: DanglingSubject,
  allowDangling: boolean,
): Promise<Descriptor> {
  const { digest } = wanted;
  if (await layout.blobs.has(digest)) {
    const { mediaType, size } = await layout.resolve(`@${digest}`);
    if (manifestKind(mediaType) !== undefined) return { mediaType, digest, size };
    throw new OcilotError(
      "USAGE",
      `${digest} is not a manifest: only a manifest can have referrers`,
      { argument: digest },
      { hint: "Name the image by its tag or the digest of its manifest." },
    );
  }
  if (!allowDangling) throw absentSubject(digest);
  const known = (await graph()).of(digest).find((e) => e.subjectDescriptor !== undefined)?.subjectDescriptor;
  const size = wanted.size ?? known?.size;
  if (size === undefined) {
    throw new OcilotError(
      "USAGE",
      `the size of ${digest} is not known, and a subject must name it`,
      { argument: digest },
      { hint: "Add --subject-size BYTES, and --subject-type if it is not an image manifest." },
    );
  }
  return { mediaType: wanted.mediaType ?? known?.mediaType ?? IMAGE_MANIFEST, digest, size };
}

export function absentSubject(digest: Digest): OcilotError<"REF_NOT_FOUND"> {
  return new OcilotError(
    "REF_NOT_FOUND",
    `${digest} is missing from the layout`,
    { reference: `@${digest}` },
    { hint: "To attach to a subject that is elsewhere, add --allow-dangling." },
  );
}
