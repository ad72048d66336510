import { Layout, OcilotError, memoryBackend, openWebArchive } from "@ocilot/layout/web";
import { attach, convert, listReferrers } from "@ocilot/referrers/web";

/** Shows the referrers of every image of a layout, one line each. */
async function show(layout: Layout): Promise<string> {
  const lines: string[] = [];
  for (const { descriptor, tag } of (await layout.index.read()).entries) {
    for await (const { descriptor: found, evidence } of listReferrers(layout, descriptor.digest)) {
      lines.push([tag ?? "-", found.digest, found.artifactType, ...new Set(evidence.map((e) => e.convention))].join(" "));
    }
  }
  return lines.join("\n");
}

async function shown(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    return error instanceof OcilotError ? `${error.code}: ${error.message}` : String(error);
  }
}

const output = document.querySelector("output")!;
const input = document.querySelector("input")!;
input.addEventListener("change", async () => {
  output.textContent = "";
  output.textContent = await shown(async () => await show(await openWebArchive(input.files![0]!)));
});

/** What the test calls. */
Object.assign(globalThis, {
  fetched: async (url: string) => await shown(async () => await show(await openWebArchive(await (await fetch(url)).blob()))),
  inMemory: async () =>
    await shown(async () => {
      const layout = new Layout(memoryBackend());
      const bytes = new TextEncoder().encode('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}');
      const image = await layout.blobs.put(bytes, { mediaType: "application/vnd.oci.image.index.v1+json" });
      await layout.tag(image, "v1");
      const sbom = { source: new TextEncoder().encode("{}"), mediaType: "application/spdx+json", title: "sbom.json" };
      await attach(layout, image.digest, { artifactType: "application/spdx+json", layers: [sbom] });
      await convert(layout, { to: "universal" });
      return await show(layout);
    }),
});
