import { Layout, type LayoutBackend } from "@ocilot/layout";
import { type RegistryQuirks, backendConformance, startTestRegistry } from "@ocilot/testkit";
import { openRepository } from "@ocilot/registry";
import { pushContent } from "./push-content.js";

const VARIANTS: Readonly<Record<string, RegistryQuirks>> = {
  "with the Referrers API": {},
  "with the Referrers API in pages of one": { referrersPage: 1, tagsPage: 1, maxTagsAsked: 1000 },
  "without the Referrers API": { referrers: 404 },
  "without it, and with ETags that count": { referrers: 405, etag: "enforced" },
  "without it, and with ETags that do not": { referrers: 400, etag: "ignored", errorsAfterRewrite: 1 },
  "that lists too few": { losesReferrerEvery: 2 },
  "that claims to know subjects": { referrers: "false-200", ociSubject: true },
};

for (const [name, quirks] of Object.entries(VARIANTS)) {
  backendConformance(
    `repository of a registry ${name}`,
    async (content) => {
      const registry = await startTestRegistry({ quirks });
      pushContent(registry, "some/repository", content, quirks);
      const layout = await openRepository(`${registry.host}/some/repository`, { record: { delays: [1, 1] } });
      return { backend: backendOf(layout), dispose: async () => await registry.close() };
    },
    { keepsEntries: false },
  );
}

function backendOf(layout: Layout): LayoutBackend {
  const { location, blobs, index, keepsEntries } = layout;
  return {
    location,
    blobs,
    index,
    keepsEntries,
    marker: Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
    close: async () => await layout.close(),
  };
}
