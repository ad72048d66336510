import { manifestKind } from "@ocilot/layout";
import { referrersTag } from "@ocilot/referrers";
import type { LayoutBuilder, RegistryQuirks, TestRegistry } from "@ocilot/testkit";

/** Puts the content of a builder into a repository as clients would have pushed it; wrong content under its digest too. */
export function pushContent(registry: TestRegistry, name: string, content: LayoutBuilder, quirks: RegistryQuirks = {}): void {
  const repository = registry.repository(name);
  const types = new Map<string, string>();
  const subjects = new Map<string, string[]>();
  for (const entry of content.entries) types.set(entry["digest"] as string, entry["mediaType"] as string);
  for (const [digest, bytes] of content.blobs) {
    const document = jsonOf(bytes);
    for (const child of document?.manifests ?? []) types.set(child.digest, child.mediaType);
    if (document?.subject !== undefined) {
      types.set(document.subject.digest, document.subject.mediaType);
      subjects.set(document.subject.digest, [...(subjects.get(document.subject.digest) ?? []), digest]);
    }
  }
  let pushed = 0;
  for (const [digest, bytes] of content.blobs) {
    const mediaType = types.get(digest) ?? jsonOf(bytes)?.mediaType ?? "";
    if (manifestKind(mediaType) === undefined) repository.blobs.set(digest, Buffer.from(bytes));
    else repository.manifests.set(digest, { bytes: Buffer.from(bytes), mediaType, pushed: pushed++ });
  }
  for (const entry of content.entries) {
    const tag = (entry["annotations"] as Record<string, string> | undefined)?.["org.opencontainers.image.ref.name"];
    if (tag !== undefined) repository.tags.set(tag, entry["digest"] as string);
  }
  if ((quirks.referrers ?? "api") === "api") return;
  for (const [subject, digests] of subjects) {
    const lines = digests.map((digest) =>
      content.line({
        mediaType: types.get(digest) ?? jsonOf(content.blobs.get(digest as never)!)!.mediaType!,
        digest,
        size: content.blobs.get(digest as never)!.length,
      } as never),
    );
    const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: lines }));
    repository.tags.set(referrersTag(subject as never), repository.putManifest(list, INDEX));
  }
}

const INDEX = "application/vnd.oci.image.index.v1+json";

interface Document {
  readonly mediaType?: string;
  readonly manifests?: readonly { readonly digest: string; readonly mediaType: string }[];
  readonly subject?: { readonly digest: string; readonly mediaType: string };
}

function jsonOf(bytes: Uint8Array): Document | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Document;
  } catch {
    return undefined;
  }
}
