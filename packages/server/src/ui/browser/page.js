// The page: it asks the server, or takes the report that is embedded in it, and shows that as text. Nothing from a layout becomes markup,
// an address or code: element names and attributes are constants, and every text goes through `shown`.
(() => {
  "use strict";

  const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
  const MAX_ROWS = 200;
  const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
  const KIND_NAMES = {
    signature: "signature",
    sbom: "SBOM",
    provenance: "provenance",
    vex: "VEX",
    "vulnerability-report": "vulnerability report",
    attestation: "attestation",
    license: "license",
    source: "source",
    other: "other",
  };
  const KIND_PLURALS = {
    signature: "signatures",
    sbom: "SBOMs",
    vex: "VEX documents",
    "vulnerability-report": "vulnerability reports",
    attestation: "attestations",
    license: "licenses",
    source: "sources",
  };
  const KINDS = Object.keys(KIND_NAMES);

  const main = document.getElementById("main");
  const status = document.getElementById("status");
  const embedded = document.getElementById("data");
  const report = embedded === null ? undefined : JSON.parse(embedded.textContent);
  let ids = 0;
  let visit = 0;

  /** Text with every character that would be invisible, or would reorder other text, written out. */
  function shown(text) {
    return String(text).replace(UNSAFE, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
  }

  function el(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (value === undefined || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : value);
    }
    for (const child of children.flat(3)) {
      if (child === undefined || child === false || child === "") continue;
      element.append(child instanceof Node ? child : document.createTextNode(shown(child)));
    }
    return element;
  }

  /** Text from a layout, which may be written from right to left. */
  const given = (text) => el("bdi", {}, text);
  const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
  const say = (text) => void (status.textContent = text);

  function size(bytes) {
    let unit = 0;
    let value = bytes;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toPrecision(3)} ${UNITS[unit]}`;
  }

  /** The algorithm and as much of a digest as tells it from others. */
  function digest(text) {
    const [algorithm, hex] = text.split(":");
    return el("code", { class: "digest", title: text }, `${algorithm}:${hex.slice(0, 12)}`);
  }

  const whole = (text) => el("code", { class: "whole" }, text);

  // What is shown: from the report, or from the server.

  async function get(part, repository) {
    if (report !== undefined) {
      return { layout: report.model, packages: { sboms: report.sboms }, diagnosis: report.diagnosis, verification: report.verification }[
        part
      ];
    }
    const response = await fetch(`ui/${part}?${new URLSearchParams({ repository })}`, { headers: { accept: "application/json" } });
    const body = await response.json().catch(() => undefined);
    if (response.ok && body !== undefined) return body;
    throw new Error(body?.errors?.[0]?.message ?? `the server answered ${response.status}`);
  }

  const address = (repository, image) =>
    `#${new URLSearchParams({ ...(repository !== undefined && { r: repository }), ...(image !== undefined && { i: image }) })}`;

  // Parts of the page.

  function section(title, ...content) {
    const id = `s${++ids}`;
    return el("section", { "aria-labelledby": id }, el("h2", { id }, title), ...content);
  }

  function table(caption, heads, rows) {
    return el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el(
        "table",
        {},
        el("caption", {}, caption),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            heads.map(([text, kind]) => el("th", { scope: "col", class: kind }, text)),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map((cells) =>
            el(
              "tr",
              {},
              cells.map((cell, i) => el(i === 0 ? "th" : "td", { scope: i === 0 && "row", class: heads[i][1] }, cell)),
            ),
          ),
        ),
      ),
    );
  }

  const facts = (pairs, kind = "facts") =>
    el(
      "dl",
      { class: kind },
      pairs
        .filter(([, value]) => value !== undefined && value !== false)
        .map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value))),
    );

  function badge(kind, n = 1) {
    const known = Object.hasOwn(KIND_NAMES, kind) ? kind : "other";
    return el("span", { class: `badge ${known}` }, n > 1 ? `${n} ${KIND_PLURALS[known] ?? KIND_NAMES[known]}` : KIND_NAMES[known]);
  }

  const mark = (kind, text) => el("span", { class: `badge ${kind}` }, text);

  function badges(list) {
    const counts = new Map();
    const collect = (evidence) => {
      for (const e of evidence) {
        for (const { kind } of e.statements.length > 0 ? e.statements : [{ kind: "other" }]) counts.set(kind, (counts.get(kind) ?? 0) + 1);
        collect(e.referrers);
      }
    };
    for (const evidence of list) collect(evidence);
    const found = KINDS.filter((kind) => counts.has(kind));
    return found.length === 0
      ? el("span", { class: "faint" }, "none")
      : el(
          "span",
          { class: "badges" },
          found.map((kind) => badge(kind, counts.get(kind))),
        );
  }

  const allEvidence = (image) => [image.evidence, ...image.platforms.map((p) => p.evidence)];
  const hasName = (image) => image.tags.length > 0;
  const nameOf = (image) => (hasName(image) ? image.tags.join(", ") : "untagged");
  const problem = ({ problem: text }) => (text === undefined ? undefined : mark("error", text));
  const platformText = (m) => m.platform ?? (m.artifactType === undefined ? "unknown platform" : "artifact");

  function command({ label, text }) {
    const button = el(
      "button",
      { type: "button", class: "copy", "aria-label": `Copy the command: ${label}`, onclick: () => void copy(text, button) },
      "Copy",
    );
    return el("div", { class: "command" }, el("span", { class: "label" }, label), el("code", { tabindex: "0" }, text), button);
  }

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without a secure origin there is no clipboard: the old way.
      const area = el("textarea", { "aria-hidden": "true", class: "away" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    say("Copied to the clipboard");
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }

  function commandsOf(model, image) {
    if (report !== undefined) return report.commands[image.digest] ?? [];
    if (image.file !== undefined) return [];
    const host = location.host;
    const name = `${host}/${model.name}`;
    const reference = hasName(image) ? `${name}:${image.tags[0]}` : `${name}@${image.digest}`;
    const isPlain = location.protocol === "http:";
    const plain = isPlain ? " --plain-http" : "";
    const folder = model.name.split("/").at(-1);
    return [
      { label: "Copy with all evidence", text: `ocilot copy${plain} docker://${reference} ./${folder}` },
      { label: "List the evidence", text: `ocilot referrers${plain} docker://${reference}` },
      { label: "List with oras", text: `oras discover${plain} ${reference}` },
      { label: "Pull with skopeo", text: `skopeo copy${isPlain ? " --src-tls-verify=false" : ""} docker://${reference} oci:./${folder}` },
    ];
  }

  function save(name, base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    const link = el("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    say(`Saved ${shown(name)}`);
  }

  const hexOf = (text) => text.split(":")[1].slice(0, 12);

  function downloads(model, evidence) {
    const links = [];
    for (const [position, { document: name, blob }] of evidence.statements.entries()) {
      if (name === undefined) continue;
      const { subject, digest: referrer } = evidence;
      if (report !== undefined) {
        const saved = report.documents[`${subject} ${referrer} ${position}`];
        if (saved !== undefined)
          links.push(
            el("button", { type: "button", class: "download", onclick: () => save(saved.name, saved.base64) }, "Save ", saved.name),
          );
        continue;
      }
      const query = new URLSearchParams({ repository: model.name, subject, referrer, position });
      links.push(el("a", { class: "download", href: `ui/document?${query}`, download: name }, "Download ", name));
      links.push(
        el(
          "a",
          { class: "download plain", href: `v2/${model.name}/blobs/${blob.digest}`, download: `${hexOf(blob.digest)}.blob` },
          `Blob (${size(blob.size)})`,
        ),
      );
    }
    if (report === undefined) {
      links.push(
        el(
          "a",
          { class: "download plain", href: `v2/${model.name}/manifests/${evidence.digest}`, download: `${hexOf(evidence.digest)}.json` },
          "Manifest",
        ),
      );
    }
    return links.length === 0 ? undefined : el("p", { class: "downloads" }, links);
  }

  function statementFacts(s) {
    return facts([
      ["Kind", KIND_NAMES[s.kind] ?? s.kind],
      ["Format", s.format && [given(s.format), s.version ? [" ", given(s.version)] : ""]],
      ["Predicate type", s.predicateType && given(s.predicateType)],
      ["Signer, as claimed", s.signer && s.signer.identities.length > 0 && s.signer.identities.map((i) => el("div", {}, given(i)))],
      ["Issuer, as claimed", s.signer?.issuer && given(s.signer.issuer)],
      ["Signed, as claimed", s.signer?.time && given(s.signer.time)],
      ["Content", s.blob && [given(s.blob.mediaType), `, ${size(s.blob.size)}`]],
      ["Note", s.notes.length > 0 && s.notes.map((n) => el("div", {}, given(n)))],
    ]);
  }

  function evidenceItem(model, e) {
    const formats = [
      ...new Set(
        e.statements.flatMap((s) => (s.format === undefined ? [] : s.version === undefined ? s.format : `${s.format} ${s.version}`)),
      ),
    ];
    const kinds = [...new Set(e.statements.map((s) => s.kind))];
    return el(
      "li",
      {},
      el(
        "details",
        {},
        el(
          "summary",
          {},
          el(
            "span",
            { class: "badges" },
            kinds.length === 0 ? badge("other") : kinds.map((kind) => badge(kind, e.statements.filter((s) => s.kind === kind).length)),
          ),
          " ",
          el("span", { class: "format" }, given(formats.join(", ") || e.artifactType || "no artifact type")),
          " ",
          digest(e.digest),
          !e.readable && [" ", mark("error", "missing or corrupt")],
          !e.hasSubject && [" ", mark("warning", "no subject field")],
        ),
        el(
          "div",
          { class: "inside" },
          facts([
            ["Artifact type", e.artifactType === undefined ? "none" : given(e.artifactType)],
            ["Digest", whole(e.digest)],
            ["Manifest", [given(e.mediaType), `, ${size(e.size)}`]],
            ["Recorded by", e.conventions.length > 0 && given(e.conventions.join(", "))],
            ["Created", e.created && given(e.created)],
          ]),
          e.statements.map(statementFacts),
          downloads(model, e),
        ),
      ),
      e.referrers.length > 0 && evidenceList(model, e.referrers),
    );
  }

  const rank = (e) => Math.min(...e.statements.map((s) => KINDS.indexOf(s.kind)), KINDS.length);

  function evidenceList(model, list) {
    const sorted = list.toSorted((a, b) => rank(a) - rank(b));
    return el(
      "ul",
      { class: "evidence" },
      sorted.map((e) => evidenceItem(model, e)),
    );
  }

  // Search.

  function search(model) {
    const input = el("input", {
      id: "search",
      type: "search",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "openssl, pkg:npm/…, GPL",
      maxlength: "200",
    });
    const results = el("div", { id: "results" });
    let loaded;
    let latest = 0;
    let timer;
    const load = () => (loaded ??= get("packages", model.name).then(({ sboms }) => sboms));
    const find = async () => {
      const mine = ++latest;
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length === 0) {
        results.replaceChildren();
        say("");
        return;
      }
      try {
        say("Searching");
        const sboms = await load();
        if (mine !== latest) return;
        list(sboms, words);
      } catch (error) {
        loaded = undefined;
        results.replaceChildren(el("p", { class: "error-text" }, `The packages cannot be read: ${error.message}`));
        say("The packages cannot be read");
      }
    };
    const list = (sboms, words) => {
      const rows = [];
      let found = 0;
      let all = 0;
      for (const sbom of sboms) {
        all += sbom.packages.length;
        for (const p of sbom.packages) {
          const text = `${p.name}\n${p.version ?? ""}\n${p.license ?? ""}\n${p.purl ?? ""}`.toLowerCase();
          if (!words.every((word) => text.includes(word))) continue;
          if (++found > MAX_ROWS) continue;
          rows.push([
            given(p.name),
            given(p.version ?? ""),
            given(p.license ?? ""),
            el(
              "a",
              { href: address(report ? undefined : model.name, sbom.image) },
              given(sbom.tags.join(", ") || "untagged"),
              sbom.platform ? [" ", given(sbom.platform)] : "",
            ),
            given(sbom.format),
          ]);
        }
      }
      const line = `${count(found, "match", "matches")} among ${count(all, "package")} of ${count(sboms.length, "SBOM")}`;
      const text = found > MAX_ROWS ? `${line}; the first ${MAX_ROWS} are shown` : line;
      const problems = sboms.filter((s) => s.problem !== undefined || s.leftOut > 0);
      results.replaceChildren(
        el("p", { class: "faint" }, sboms.length === 0 ? "No SBOM here to search." : text),
        ...(rows.length > 0
          ? [table("Packages found", [["Package"], ["Version"], ["License", "wide"], ["Image"], ["SBOM", "wide"]], rows)]
          : []),
        ...problems.map((s) =>
          el(
            "p",
            { class: "faint" },
            "SBOM ",
            digest(s.referrer),
            s.problem === undefined ? `: ${count(s.leftOut, "package")} more than are searched` : [" is not searched: ", given(s.problem)],
          ),
        ),
      );
      say(sboms.length === 0 ? "No SBOM here to search" : text);
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(find, 150);
    });
    const form = el(
      "form",
      {
        role: "search",
        onsubmit: (event) => {
          event.preventDefault();
          void find();
        },
      },
      el("label", { for: "search" }, "Name, version, license or package URL"),
      input,
    );
    return section("Search packages", form, results);
  }

  // What the tools find, and what verify says.

  function tools(d) {
    const rows = d.tools.map((t) => [
      t.title,
      el("span", { class: "nowrap" }, `${t.found} of ${t.total}`),
      t.blocked.length > 0
        ? [mark("error", "cannot read it"), " ", given(t.blocked[0])]
        : t.healthy
          ? t.total === 0
            ? mark("", "nothing to find")
            : mark("ok", "finds all")
          : mark(t.judged ? "error" : "warning", `${t.total - t.found} not visible`),
    ]);
    return [
      d.registry !== undefined && el("p", {}, given(d.registry)),
      d.registry === undefined &&
        el(
          "p",
          {},
          "Conventions in use: ",
          d.conventions.length === 0 ? "none" : d.conventions.map((c) => `${c.id} (${count(c.entries, "entry", "entries")})`).join(", "),
          ".",
        ),
      table(
        d.registry === undefined
          ? "Referrers that each tool finds in this layout"
          : "Referrers that each kind of client finds in this repository",
        [["Tool"], ["Visible", "number"], ["Result"]],
        rows,
      ),
      d.problems.length > 0 &&
        el(
          "ul",
          { class: "findings" },
          d.problems.map((p) => finding(p, p.programs.join(", "), p.effect, p.places)),
        ),
    ];
  }

  const finding = ({ severity, code, fix }, where, message, places = []) =>
    el(
      "li",
      { class: severity },
      el("p", {}, mark(severity, severity), " ", el("strong", {}, code), where ? [" ", el("span", { class: "faint" }, given(where))] : ""),
      el("p", {}, given(message)),
      places.length > 0 &&
        el(
          "details",
          {},
          el("summary", {}, count(places.length, "place")),
          el(
            "ul",
            {},
            places.map((p) => el("li", {}, given(p))),
          ),
        ),
      fix && command({ label: "Fix", text: shown(fix) }),
    );

  function verification({ findings, checked }) {
    const errors = findings.filter((f) => f.severity === "error").length;
    const line = [
      count(checked.manifests, "manifest"),
      count(checked.blobs, "blob"),
      size(checked.bytes),
      count(checked.referrers, "referrer"),
    ].join(", ");
    return [
      el("p", {}, errors > 0 ? mark("error", count(errors, "error")) : mark("ok", "intact"), ` ${line}.`),
      findings.length > 0 &&
        el(
          "ul",
          { class: "findings" },
          findings.map((f) => finding(f, f.path, f.message)),
        ),
    ];
  }

  function verify(model) {
    const place = el("div", {});
    if (report !== undefined) {
      place.append(
        ...(report.verification === undefined
          ? [el("p", { class: "faint" }, "Not verified when this report was made.")]
          : verification(report.verification).filter(Boolean)),
      );
      return section("Verification", place);
    }
    const button = el("button", { type: "button", class: "action", onclick: () => void run() }, "Verify now");
    const run = async () => {
      button.setAttribute("aria-disabled", "true");
      say("Verifying");
      place.replaceChildren(el("p", { class: "faint" }, "Verifying: every blob is read …"));
      try {
        const result = await get("verification", model.name);
        place.replaceChildren(...verification(result).filter(Boolean));
        say(`Verified: ${count(result.findings.length, "finding")}`);
      } catch (error) {
        place.replaceChildren(el("p", { class: "error-text" }, `It could not be verified: ${error.message}`));
        say("It could not be verified");
      }
      button.removeAttribute("aria-disabled");
    };
    return section("Verification", el("p", {}, "Checks the digest and size of every blob. It does not verify signatures."), button, place);
  }

  function later(title, load) {
    const place = el("div", { "aria-busy": "true" }, el("p", { class: "faint" }, "Loading …"));
    load()
      .then(
        (content) => place.replaceChildren(...content.flat().filter(Boolean)),
        (error) => place.replaceChildren(el("p", { class: "error-text" }, error.message)),
      )
      .finally(() => place.removeAttribute("aria-busy"));
    return section(title, place);
  }

  // The views.

  function repositoryView(model) {
    const { images, name } = model;
    const of = report ? undefined : name;
    const referrers = (list) => list.reduce((n, e) => n + 1 + referrers(e.referrers), 0);
    const total = images.reduce((n, image) => n + allEvidence(image).reduce((m, list) => m + referrers(list), 0), 0) + model.leftOut;
    const platforms = images.reduce((n, image) => n + Math.max(1, image.platforms.length), 0);
    const rows = images.map((image) => [
      [el("a", { href: address(of, image.digest) }, given(nameOf(image))), problem(image) && [" ", problem(image)]],
      image.platforms.length > 0
        ? el(
            "span",
            { class: "list" },
            image.platforms.slice(0, 6).map((p) => el("span", {}, given(platformText(p)))),
            image.platforms.length > 6 && el("span", {}, `and ${image.platforms.length - 6} more`),
          )
        : given(image.platform ?? image.artifactType ?? "unknown platform"),
      badges(allEvidence(image)),
      el("span", { class: "nowrap" }, size(image.size)),
      digest(image.digest),
    ]);
    return [
      el("h1", { tabindex: "-1" }, given(name)),
      facts(
        [
          ["Images", images.length.toLocaleString("en")],
          ["Platforms", platforms.toLocaleString("en")],
          ["Referrers", total.toLocaleString("en")],
        ],
        "figures",
      ),
      section(
        "Images",
        rows.length === 0
          ? el("p", { class: "faint" }, "No images.")
          : table(
              "Images with their platforms and evidence",
              [["Image"], ["Platforms"], ["Evidence"], ["Size", "number wide"], ["Digest", "wide"]],
              rows,
            ),
        model.leftOut > 0 && el("p", { class: "faint" }, `${count(model.leftOut, "referrer")} more; "ocilot referrers" lists all.`),
      ),
      search(model),
      (report === undefined || report.diagnosis !== undefined) &&
        later("Which tools find what", async () => tools(await get("diagnosis", name))),
      verify(model),
    ];
  }

  function imageView(model, image) {
    const of = report ? undefined : model.name;
    const manifest = (m, title) => {
      const id = `s${++ids}`;
      return el(
        "section",
        { class: "card", "aria-labelledby": id },
        el("h3", { id }, given(title), problem(m) && [" ", problem(m)]),
        el("p", { class: "faint" }, digest(m.digest), ` · ${size(m.size)}`),
        m.evidence.length === 0 ? el("p", { class: "faint" }, "No evidence on this manifest.") : evidenceList(model, m.evidence),
      );
    };
    const commands = commandsOf(model, image);
    return [
      el("p", { class: "crumbs" }, el("a", { href: address(of) }, "← ", given(model.name))),
      el("h1", { tabindex: "-1" }, given(nameOf(image)), problem(image) && [" ", problem(image)]),
      facts([
        ["Digest", whole(image.digest)],
        ["Type", given(image.artifactType ?? image.mediaType)],
        ["Listed by", image.file && `${image.file} only; it has no manifest, and registries cannot serve it`],
        ["Platform", image.platforms.length === 0 && image.platform && given(image.platform)],
        ["Size", size(image.size)],
      ]),
      image.file === undefined &&
        section(
          "Evidence",
          manifest(image, image.platforms.length > 0 ? "Image index" : platformText(image)),
          image.platforms.map((p) => manifest(p, platformText(p))),
        ),
      commands.length > 0 && section("Commands", commands.map(command)),
    ];
  }

  function home(names) {
    if (names.length === 0)
      return [el("h1", { tabindex: "-1" }, "Repositories"), el("p", { class: "faint" }, "There is no repository that you may read.")];
    return [
      el("h1", { tabindex: "-1" }, "Repositories"),
      el(
        "ul",
        { class: "repositories" },
        names.map((name) => el("li", {}, el("a", { href: address(name) }, given(name)))),
      ),
    ];
  }

  async function readNames() {
    const response = await fetch("ui/repositories", { headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return (await response.json()).repositories;
  }

  function navigation(list, current) {
    const nav = document.getElementById("repositories");
    nav.hidden = list.length < 2 || current === undefined;
    nav.replaceChildren(
      el(
        "ul",
        {},
        list.map((name) => el("li", {}, el("a", { href: address(name), "aria-current": name === current && "page" }, given(name)))),
      ),
    );
  }

  async function show(isFirst) {
    const mine = ++visit;
    const query = new URLSearchParams(location.hash.slice(1));
    let content;
    let title = "ocilot";
    try {
      const list = report === undefined ? await readNames() : [];
      const chosen = report === undefined ? (query.get("r") ?? (list.length === 1 ? list[0] : undefined)) : report.model.name;
      if (mine !== visit) return;
      if (report === undefined) navigation(list, chosen);
      if (chosen === undefined) content = home(list);
      else {
        if (isFirst) main.replaceChildren(el("p", { class: "faint" }, "Loading …"));
        const model = await get("layout", chosen);
        const image = model.images.find((i) => i.digest === query.get("i"));
        content = image === undefined ? repositoryView(model) : imageView(model, image);
        title = `${image === undefined ? model.name : `${nameOf(image)} · ${model.name}`} · ocilot`;
      }
    } catch (error) {
      content = [el("h1", { tabindex: "-1" }, "It cannot be shown"), el("p", { class: "error-text" }, error.message)];
    }
    if (mine !== visit) return;
    document.title = shown(title);
    main.replaceChildren(...content.flat().filter(Boolean));
    say("");
    if (isFirst) return;
    window.scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }

  // The skip link must not be taken for an address of the page.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  document
    .getElementById("where")
    .append(
      report === undefined
        ? el("span", {}, location.host)
        : el("span", {}, `report of ${report.made.time.slice(0, 16).replace("T", " ")} UTC`),
    );
  window.addEventListener("hashchange", () => void show(false));
  void show(true);
})();
