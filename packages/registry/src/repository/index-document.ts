import { IMAGE_INDEX, type IndexSnapshot, descriptorsText, parseIndex } from "@ocilot/layout/spec";
import { digestOf } from "@ocilot/layout";
import { type RepositoryModel, modelEntries } from "./repository-model.js";

/** The `index.json` that a layout with the content of a repository would have; each entry says where the registry names it. */
export function indexDocument(model: RepositoryModel): IndexSnapshot {
  const entries = modelEntries(model);
  const text = `{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":${descriptorsText(entries.map((e) => e.descriptor))}}`;
  const bytes = new TextEncoder().encode(text);
  const { entries: parsed, ...snapshot } = parseIndex(bytes, digestOf(bytes));
  return { ...snapshot, entries: parsed.map((entry, i) => ({ ...entry, origin: entries[i]!.origin })) };
}
