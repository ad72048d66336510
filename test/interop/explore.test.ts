import { it } from "vitest";
import { join } from "node:path";
import { DAMAGES, Subject, judge, ocilotErrors } from "./verdicts.js";
import { scratch } from "./layouts.js";
import { run } from "./tools.js";
it("x", async () => {
  for (const name of ["edge/annotation-only-link", "edge/buildkit-inline-cache"]) for (const [d, f] of Object.entries(DAMAGES)) {
    const s = new Subject(name, name.includes("inline") ? "latest" : "v1", join(await scratch(), "l"));
    f(s);
    const j = await judge(s.dir, s.tag);
    console.log(name, "|", d, "|", JSON.stringify(await ocilotErrors(s.dir)), Object.values(j).join(" "));
    if (name.includes("anno")) for (const [t, args] of [["oras", ["discover", s.tag, "--oci-layout-path", s.dir]], ["umoci", ["stat", "--image", `${s.dir}:${s.tag}`]]] as const) { const o = await run(t, args); if (o.code) console.log("      ", t, o.stderr.trim().split("\n").at(-1)!.slice(0, 200)); }
  }
}, 200000);
