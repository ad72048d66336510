// What the built libraries do with a layout, as one JSON document that is the same under every runtime. Usage: library-smoke.mjs LAYOUT
import { rmSync } from "node:fs";
import { Layout, openLayout, parseReference, transferBlobs } from "@ocilot/layout";
import { attach, collectGarbage, convert, copyToArchive, doctor, listReferrers, verifyLayout } from "@ocilot/referrers";

const { path, ref } = parseReference(`${process.argv[2]}:v1`);
const layout = await openLayout(path);
const image = await layout.resolve(ref);
const content = new TextEncoder().encode('{"spdxVersion":"SPDX-2.3"}');
const attached = await attach(layout, image.digest, {
  artifactType: "application/spdx+json",
  layers: [{ source: content, mediaType: "application/spdx+json", title: "sbom.spdx.json" }],
  annotations: { "org.opencontainers.image.created": "2026-01-01T00:00:00Z" },
});
const listed = [];
for await (const { descriptor } of listReferrers(layout, image.digest)) listed.push(descriptor.digest);
await Promise.all(Array.from({ length: 10 }, async (_, i) => await layout.tag(image, `t${i}`)));
const { changed } = await convert(layout, { to: "universal" });
const { tools } = await doctor(layout);
const { findings, checked } = await verifyLayout(layout);
await copyToArchive(layout, `${path}.tar.gz`);
const archive = await openLayout(`${path}.tar.gz`);
const unpacked = await archive.resolve(ref);
await archive.close();
// Large enough for the threads that move blobs.
const large = await layout.blobs.put(new Uint8Array(40 << 20));
const other = await Layout.create(`${path}-2`);
await transferBlobs(layout, other, [large]);
const { removed } = await collectGarbage(layout, { dryRun: true, grace: 0 });
for (const made of [`${path}.tar.gz`, `${path}-2`]) rmSync(made, { recursive: true });
console.log(
  JSON.stringify({
    attached: attached.digest,
    listed,
    tags: (await layout.index.read()).entries.filter((e) => /^t\d$/.test(e.tag ?? "")).length,
    changed,
    tools: tools.map(({ id, found, total }) => [id, found, total]),
    findings: findings.map((f) => f.code),
    checked,
    unpacked: unpacked.digest,
    moved: await other.blobs.size(large.digest),
    garbage: removed.map((g) => g.digest),
  }),
);
