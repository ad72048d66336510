import { isRecord } from "@ocilot/layout";
import { parseAllDocuments } from "yaml";
import { usageError } from "../command-line/usage-error.js";
import { haulerImages } from "./hauler-list.js";
import { skopeoImages } from "./skopeo-list.js";
import { type ImageList, sourceOf } from "./source-spec.js";

/**
 * Reads a list of images: one a line (`#` begins a comment), the YAML of `skopeo sync`, or image lists of hauler.
 * @param name of the file, for messages
 * @throws OcilotError `USAGE`
 */
export function parseImageList(text: string, name: string): ImageList {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
  if (lines.every((line) => !/:\s|:$|^---|^[{[]|^- /.test(line))) return { specs: lines.map((line) => plainLine(line, name)), unused: [] };
  const lists: ImageList[] = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error !== undefined) throw usageError(`${name} is not YAML: ${error.message.split("\n")[0]}`, "list");
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null) continue;
    if (!isRecord(value)) throw usageError(`${name} is neither a list of images nor YAML of skopeo sync or hauler`, "list");
    lists.push("apiVersion" in value ? haulerImages(value, name) : skopeoImages(value, name));
  }
  return { specs: lists.flatMap((l) => l.specs), unused: lists.flatMap((l) => l.unused) };
}

function plainLine(line: string, name: string): ReturnType<typeof sourceOf> {
  if (/\s/.test(line))
    throw usageError(`${name}: ${JSON.stringify(line)} is not one image`, "list", "Write one image a line; # begins a comment.");
  return sourceOf(line);
}
