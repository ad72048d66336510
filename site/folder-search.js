// Searches the pages of a folder. Before this stands OCILOT_SECTIONS: [page, anchor, title, text][], see read-from-folder.mjs.
(function () {
  var root = new URL(".", document.currentScript.src).href;
  var titles = {};
  OCILOT_SECTIONS.forEach(function (section) {
    if (section[1] === "") titles[section[0]] = section[2];
  });
  var form = document.createElement("form");
  form.setAttribute("role", "search");
  var input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Search";
  input.setAttribute("aria-label", "Search");
  input.autocomplete = "off";
  var results = document.createElement("div");
  results.hidden = true;
  var status = document.createElement("p");
  status.setAttribute("role", "status");
  var list = document.createElement("ul");
  results.append(status, list);
  form.append(input, results);
  document.querySelector(".folder-bar").append(form);

  /** How well a section fits all of the words; 0 if one of them is not in it. */
  function scoreOf(section, words) {
    var title = section[2].toLowerCase();
    var page = (titles[section[0]] || "").toLowerCase();
    var text = section[3].toLowerCase();
    var score = section[0].startsWith("api/") ? 0 : 20;
    for (var i = 0; i < words.length; i++) {
      if (title.includes(words[i])) score += title === words[i] ? 60 : 30;
      else if (text.includes(words[i])) score += 5;
      else if (!page.includes(words[i])) return 0;
      if (page.includes(words[i])) score += 5;
    }
    return score;
  }

  function itemOf(section, words) {
    var item = document.createElement("li");
    var link = document.createElement("a");
    link.href = root + section[0] + (section[1] && "#" + section[1]);
    var page = titles[section[0]] || "";
    link.textContent = section[1] === "" || page === "" ? section[2] : page + ": " + section[2];
    var text = document.createElement("p");
    var at = section[3].toLowerCase().indexOf(words[0]);
    var from = at < 50 ? 0 : section[3].indexOf(" ", at - 50) + 1;
    text.textContent = (from > 0 ? "…" : "") + section[3].slice(from, from + 120);
    item.append(link, text);
    return item;
  }

  input.addEventListener("input", function () {
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    results.hidden = words.length === 0;
    if (results.hidden) return;
    var found = OCILOT_SECTIONS.map(function (section) {
      return { section: section, score: scoreOf(section, words) };
    }).filter(function (hit) {
      return hit.score > 0;
    });
    found.sort(function (a, b) {
      return b.score - a.score;
    });
    status.textContent = found.length === 0 ? "Nothing found" : found.length + (found.length === 1 ? " section" : " sections");
    list.replaceChildren.apply(
      list,
      found.slice(0, 20).map(function (hit) {
        return itemOf(hit.section, words);
      }),
    );
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var first = list.querySelector("a");
    if (first !== null) location.href = first.href;
  });
  form.addEventListener("keydown", function (event) {
    if (event.key === "Escape") results.hidden = true;
  });
  form.addEventListener("click", function (event) {
    if (event.target.closest("a") !== null) results.hidden = true;
  });
})();
