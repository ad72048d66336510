import { CONTAINERD_SUBJECT, type Digest } from "@ocilot/layout/spec";
import type { ReaderTool } from "./reader-tool.js";
import type { LayoutView } from "../view/layout-view.js";

/** What containerd's importer links when asked for referrers: the annotation of an entry, which it does not check. */
export const containerdTool: ReaderTool = {
  id: "containerd",
  title: "containerd 2.2 and Docker 29 import",

  async finds(view, subject) {
    return [...(annotatedBySubject(view).get(subject) ?? [])];
  },

  traps: async () => [],
};

const marks = new WeakMap<LayoutView, Map<string, Set<Digest>>>();

function annotatedBySubject(view: LayoutView): Map<string, Set<Digest>> {
  let bySubject = marks.get(view);
  if (bySubject !== undefined) return bySubject;
  bySubject = new Map();
  for (const { descriptor } of view.entries) {
    const subject = descriptor.annotations?.[CONTAINERD_SUBJECT];
    if (subject === undefined) continue;
    const found = bySubject.get(subject);
    if (found === undefined) bySubject.set(subject, new Set([descriptor.digest]));
    else found.add(descriptor.digest);
  }
  marks.set(view, bySubject);
  return bySubject;
}
