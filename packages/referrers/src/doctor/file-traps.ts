import { LAYOUT_VERSION } from "@ocilot/layout";
import { fileFindings, listFiles } from "../verify/file-findings.js";
import { type Examination, type Symptom, symptom } from "./examination.js";

/** Traps of `index.json`, `oci-layout` and file permissions. An archive has no files of its own. */
export async function fileTraps({ layout, snapshot }: Examination): Promise<Symptom[]> {
  const files = (await listFiles(layout.location)) ?? [];
  const version = layout.version === LAYOUT_VERSION ? [] : [{ message: `oci-layout states the version ${layout.version}` }];
  const closed = fileFindings(files).filter((f) => f.code === "PERMISSION");
  return [
    ...symptom("INDEX_UNSAFE", [...version, ...snapshot.quirks.map((q) => ({ message: `index.json: ${q.message}` }))]),
    ...symptom(
      "FILES_PRIVATE",
      closed.map((f) => ({ message: f.message })),
    ),
  ];
}
