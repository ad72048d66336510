import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArchiveMember, Layout, type LayoutBackend, blobPath, memoryBackend, openArchive, writeArchive } from "@ocilot/layout";
import { type LayoutBuilder, backendConformance } from "@ocilot/testkit";

function temporary(): { path: string; dispose: () => Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), "ocilot-backend-"));
  return { path, dispose: async () => rmSync(path, { recursive: true, force: true }) };
}

/** A layout is its backend, as far as a layout over it is concerned. */
function backendOf(layout: Layout): LayoutBackend {
  const { location, blobs, index, warnings } = layout;
  const marker = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');
  return { location, blobs, index, warnings, marker, close: async () => await layout.close() };
}

backendConformance("memory", async (content) => ({ backend: memoryBackend(content.text(), content.blobs) }));

backendConformance("directory", async (content) => {
  const { path, dispose } = temporary();
  return { backend: backendOf(await content.directory(join(path, "layout"))), dispose };
});

for (const compression of ["none", "gzip"] as const) {
  backendConformance(
    `archive (${compression})`,
    async (content) => {
      const { path, dispose } = temporary();
      const file = join(path, "layout.tar");
      await writeArchive(file, membersOf(content), { compression });
      return { backend: backendOf(await openArchive(file)), dispose };
    },
    { writable: false },
  );
}

/** As it is: a blob that is not what its name says goes into the archive all the same. */
function membersOf(content: LayoutBuilder): ArchiveMember[] {
  const files = new Map<string, Uint8Array>([
    ["oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
    ["index.json", Buffer.from(content.text())],
  ]);
  for (const [digest, bytes] of content.blobs) files.set(blobPath(digest), bytes);
  return [...files].map(([name, bytes]) => ({ name, size: bytes.length, open: () => [bytes] }));
}
