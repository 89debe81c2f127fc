"use strict";
// Shows `#data`, a page at a time. Every text becomes a text node; nothing here builds HTML from it.
(() => {
  const PAGE = 20;
  const byId = (id) => document.getElementById(id);
  const { types, images, records } = JSON.parse(byId("data").textContent);
  const list = byId("list"), tip = byId("tip"), help = byId("help");
  const fields = { text: byId("text"), source: byId("source"), levels: byId("levels"), least: byId("least"), most: byId("most") };
  const chips = [...document.querySelectorAll(".chip")];
  let found = records, page = 0, haystacks = null, timer = 0;

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // Filters

  const count = (values) => values.reduce((counts, value) => counts.set(value, (counts.get(value) || 0) + 1), new Map());

  function fillSelect(select, values, label) {
    for (const [value, n] of [...count(values)].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
      const option = make("option", "", `${label(value)} (${n})`);
      option.value = JSON.stringify(value);
      select.append(option);
    }
    select.parentElement.hidden = select.options.length < 3;
  }

  function searchable(record) {
    const pieces = record.responses.flatMap((r) => [r.model, ...r.turns.map(([role, cut]) => (role === "assistant" ? cut.map((p) => (typeof p === "string" ? p : p[0])).join("") : cut))]);
    return [record.id, record.source, ...record.prompt.map((turn) => turn[1]), ...pieces].join("\n").normalize("NFC").toLowerCase();
  }

  function apply() {
    const words = fields.text.value.normalize("NFC").toLowerCase().split(/\s+/).filter(Boolean);
    const [source, levels] = [fields.source, fields.levels].map((select) => (select.value ? JSON.parse(select.value) : null));
    const least = Number(fields.least.value) || 0, most = fields.most.value === "" ? Infinity : Number(fields.most.value);
    const wanted = chips.filter((chip) => chip.ariaPressed === "true").map((chip) => Number(chip.dataset.type));
    if (words.length && !haystacks) haystacks = new Map(records.map((record) => [record, searchable(record)]));
    found = records.filter((record) =>
      (source === null || record.source === source) && (levels === null || record.levels === levels) &&
      record.words >= least && record.words <= most && wanted.every((type) => record.types.includes(type)) &&
      words.every((word) => haystacks.get(record).includes(word)));
    show(0);
  }

  function clear() {
    byId("filters").reset();
    for (const chip of chips) chip.ariaPressed = "false";
    apply();
  }

  // Records

  function mark([text, isRight, type, other, segments]) {
    const element = make("mark", `${isRight ? "right" : "wrong"} t${type}${text ? "" : " gap"}`, text || "‸");
    const kind = type < 0 ? "" : `${types[type]}: `;
    element.tabIndex = 0;
    element.dataset.kind = type < 0 ? "" : types[type];
    element.dataset.other = other;
    element.dataset.right = isRight;
    element.dataset.segments = segments.join(" ");
    const said = isRight ? (other ? `instead of ${other}` : "was left out") : (other ? (text ? `should be ${other}` : `missing: ${other}`) : "should not be there");
    element.ariaLabel = `${kind}${text || "gap"}, ${said}`;
    return element;
  }

  function buildAnswer(response, record) {
    const section = make("section", response.level === 0 ? "answer best" : "answer");
    const head = make("h3", "", (record.responses.length === 1 ? "answer" : response.level === 0 ? "level 0, best" : `level ${response.level}`) + (response.model ? ` · ${response.model}` : ""));
    head.append(make("span", "", `${response.words} words`));
    section.append(head);
    let marks = 0;
    for (const [role, content] of response.turns) {
      if (role !== "assistant") { section.append(isolate(make("p", "turn", content))); continue; }
      const text = isolate(make("div", "text"));
      for (const piece of content) {
        if (typeof piece === "string") text.append(piece);
        else { text.append(mark(piece)); marks += 1; }
      }
      section.append(text);
    }
    if (response.level && !marks) section.append(make("p", "unmarked", "no segments"));
    return section;
  }

  function isolate(element) { element.dir = "auto"; return element; }

  function buildPicture([number, name]) {
    const size = images[number];
    if (!size) return make("p", "no-image", `No readable image at ${name}`);
    const button = make("button"), img = make("img", size[2] ? "pixelated" : "");
    button.type = "button";
    button.ariaLabel = `Enlarge ${name}`;
    [img.width, img.height, img.alt, img.title] = [size[0], size[1], "", name];
    img.style.aspectRatio = `${size[0]} / ${size[1]}`;
    img.dataset.number = number;
    button.append(img);
    return button;
  }

  function buildCard(record) {
    const card = make("article", "card"), left = make("div", "pictures"), right = make("div");
    card.tabIndex = -1;
    left.append(...record.images.map(buildPicture));
    const about = make("p", "about");
    about.append(make("b", "", record.id), [record.source, record.license].filter(Boolean).join(" · "));
    left.append(about);
    for (const [role, text] of record.prompt) right.append(isolate(make("p", role === "user" ? "question" : `question ${role}`, role === "user" ? text : `${role}: ${text}`)));
    const answers = make("div", "answers");
    answers.append(...record.responses.map((response) => buildAnswer(response, record)));
    right.append(answers);
    card.append(left, right);
    return card;
  }

  // A picture's bytes stand behind this script, and are read when it is near the window.
  function load(img) {
    const source = byId(`i${img.dataset.number}`);
    if (source) { img.src = source.textContent; img.alt = img.title; near.unobserve(img); }
  }
  const NEAR = 600;
  const near = new IntersectionObserver((entries) => { for (const entry of entries) if (entry.isIntersecting) load(entry.target); }, { rootMargin: `${NEAR}px` });
  function watch() {
    near.disconnect();
    for (const img of list.querySelectorAll("img:not([src])")) {
      if (img.getBoundingClientRect().top < innerHeight + NEAR) load(img);  // at once: an observer waits for a frame
      if (!img.hasAttribute("src")) near.observe(img);
    }
  }

  function show(number) {
    const pages = Math.max(Math.ceil(found.length / PAGE), 1);
    page = Math.min(Math.max(number, 0), pages - 1);
    hideTip();
    list.replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(buildCard));
    if (!found.length) list.append(make("p", "nothing", "Nothing matches these filters."));
    const all = `${records.length.toLocaleString("en")} ${records.length === 1 ? "record" : "records"}`;
    byId("found").textContent = found.length === records.length ? all : `${found.length.toLocaleString("en")} of ${all}`;
    byId("page").textContent = `page ${page + 1} of ${pages}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page === pages - 1;
    watch();
  }

  function turn(step) {
    const before = page;
    show(page + step);
    if (page !== before) { byId("filters").scrollIntoView(); list.firstElementChild?.focus({ preventScroll: true }); }
    return page !== before;
  }

  function move(step) {
    const cards = [...list.querySelectorAll(".card")], current = cards.indexOf(document.activeElement?.closest(".card"));
    const target = current < 0 ? 0 : current + step;
    if (target < 0) { if (turn(-1)) list.lastElementChild.focus(); return; }
    if (target >= cards.length) { turn(1); return; }
    cards[target]?.focus();
    cards[target]?.scrollIntoView({ block: "nearest" });
  }

  function zoom(card) { card?.classList.toggle("zoomed"); }

  // What stands in place of a mark

  function showTip(element) {
    const { kind, other, right, segments } = element.dataset, isRight = right === "1";
    tip.replaceChildren();
    if (kind) tip.append(make("small", "", kind));
    if (other) tip.append(make("b", "", isRight ? "instead of " : element.classList.contains("gap") ? "missing: " : "should be "), isolate(make("span", "", other)));
    else tip.append(make("b", "", isRight ? "was left out" : "should not be there"));
    tip.hidden = false;
    const box = element.getClientRects()[0] || element.getBoundingClientRect(), size = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - size.width - 8))}px`;
    tip.style.top = `${box.top > size.height + 12 ? box.top - size.height - 7 : box.bottom + 7}px`;
    const wanted = new Set(segments.split(" "));
    for (const mark of element.closest(".card").querySelectorAll("mark")) mark.classList.toggle("lit", mark !== element && mark.dataset.segments.split(" ").some((n) => wanted.has(n)));
  }
  function hideTip() { tip.hidden = true; for (const mark of list.querySelectorAll(".lit")) mark.classList.remove("lit"); }

  // Light and dark

  function setTheme(theme) { document.documentElement.dataset.theme = theme; }
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("errata-theme"); } catch { /* a page from a file may have no storage */ }
  setTheme(chosen || (preferred.matches ? "dark" : "light"));
  preferred.addEventListener("change", () => { if (!chosen) setTheme(preferred.matches ? "dark" : "light"); });
  function switchTheme() {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    setTheme(chosen);
    try { localStorage.setItem("errata-theme", chosen); } catch { /* as above */ }
  }

  // Events

  const keys = {
    j: () => move(1), k: () => move(-1), ArrowRight: () => turn(1), ArrowLeft: () => turn(-1), "/": () => { fields.text.focus(); fields.text.select(); },
    x: clear, t: switchTheme, z: () => zoom(document.activeElement?.closest(".card")), "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && inField) { inField.blur(); return; }
    if (event.key === "Escape") hideTip();
    if (inField || event.ctrlKey || event.metaKey || event.altKey || help.open || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  list.addEventListener("pointerover", (event) => { const mark = event.target.closest("mark"); if (mark) showTip(mark); else hideTip(); });
  list.addEventListener("focusin", (event) => { if (event.target.matches("mark")) showTip(event.target); else hideTip(); });
  list.addEventListener("click", (event) => { if (event.target.closest(".pictures button")) zoom(event.target.closest(".card")); });
  addEventListener("scroll", hideTip, { passive: true });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, records.length > 2000 ? 160 : 40); });
  byId("clear").addEventListener("click", clear);
  byId("more").addEventListener("click", (event) => { event.target.ariaExpanded = String(byId("filters").classList.toggle("open")); });
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("theme").addEventListener("click", switchTheme);
  byId("keys").addEventListener("click", () => help.showModal());
  const typeCounts = count(records.flatMap((record) => record.types));
  for (const chip of chips) {
    chip.querySelector(".count").textContent = (typeCounts.get(Number(chip.dataset.type)) || 0).toLocaleString("en");
    chip.hidden = !typeCounts.has(Number(chip.dataset.type));
    chip.addEventListener("click", () => { chip.ariaPressed = chip.ariaPressed === "true" ? "false" : "true"; apply(); });
  }
  fillSelect(fields.source, records.map((record) => record.source), (value) => value || "none");
  fillSelect(fields.levels, records.map((record) => record.levels), String);

  // For whoever measures it: milliseconds since the page was asked for, when records were laid out and all was there.
  const note = (name) => { document.documentElement.dataset[name] = String(Math.round(performance.now())); };
  show(0);
  note("shownMs");
  document.addEventListener("DOMContentLoaded", () => { watch(); note("arrivedMs"); });
})();
