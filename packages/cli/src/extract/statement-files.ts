import { type Layout, splitDigest } from "@ocilot/layout";
import { type ExtractedDocument, documentName, extractDocument } from "@ocilot/referrers";
import type { FoundStatement } from "./find-statements.js";
import type { PlannedFile } from "./names.js";

/** A file with the document of a statement. */
export interface StatementFile extends PlannedFile {
  readonly found: FoundStatement;
}

const SHORT_DIGEST = 12;

/** Returns a file for each statement, named by kind, platform and format; two of one name are told apart by a digest. */
export function statementFiles(layout: Layout, found: readonly FoundStatement[], raw: boolean): StatementFile[] {
  const names = found.map(({ statement, platform }) => documentName(statement, { platform, raw: raw || statement.kind === "signature" }));
  const taken = new Set<string>();
  return found.flatMap((one, i): StatementFile[] => {
    const { statement, referrer, platform } = one;
    const { layer } = statement;
    const wanted = names[i]!;
    const isShared = names.filter((name) => name === wanted).length > 1;
    const short = splitDigest(layer?.digest ?? referrer).encoded.slice(0, SHORT_DIGEST);
    const name = isShared ? wanted.replace(/(?=\.|$)/, `-${short}`) : wanted;
    // Two layers that are one blob are one file.
    if (taken.has(name)) return [];
    taken.add(name);
    const open = async (): Promise<ExtractedDocument["content"]> =>
      (await extractDocument(statement, layout.blobs, { platform, raw })).content;
    return [{ name, layer: layer ?? { mediaType: "", digest: referrer, size: 0 }, title: name, open, found: one }];
  });
}

/** Returns what `extract --json` says of such a file. */
export function statementFileJson(path: string, { layer, found }: StatementFile): object {
  const { statement, subject, referrer, platform } = found;
  const { kind, format, version, predicateType, wrapping, notes } = statement;
  return {
    path,
    kind,
    ...(format !== undefined && { format }),
    ...(version !== undefined && { version }),
    ...(predicateType !== undefined && { predicateType }),
    wrapping,
    subject,
    referrer,
    ...(platform !== undefined && { platform }),
    digest: layer.digest,
    mediaType: layer.mediaType,
    size: layer.size,
    ...(notes.length > 0 && { notes }),
  };
}
