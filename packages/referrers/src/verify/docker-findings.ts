import type { Layout } from "@ocilot/layout/web";
import { type Finding, finding } from "./finding.js";

/** Returns what is wrong with Docker's files beside `index.json`. What they list is checked as any other content. */
export async function dockerFindings(layout: Layout): Promise<Finding[]> {
  const { unreadable } = await layout.dockerImages();
  return unreadable.map(({ file, error }) =>
    finding("FOREIGN_FILE", {
      steps: [{ kind: "file", file }],
      message: `${file} is not what Docker writes (${error.message}); blobs that it names are kept`,
    }),
  );
}
