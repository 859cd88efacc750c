
"use strict";

// Draws the report from the blocks of JSON above. Texts go into the page by textContent alone,
// so that no file name and no label can be markup.

const PAGE = 120;      // cards built at a time
const FAILURES = 200;  // failures of one kind built at a time
const ON_CARD = 3;     // labels on a card; the rest is in the details
const SUGGESTIONS = 12;
const KEPT_BLOCKS = 20;
const ANY = -1;        // in place of a chosen label: no filter, or photos without a label
const NONE = -2;

const KINDS = {
  image: "Damaged, or not an image",
  missing: "Not there any more",
  permission: "No permission to read",
  file: "Not a readable file",
  limit: "Over a limit",
};

const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings among them become text. */
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Foreign text, kept from turning its surroundings around. */
const foreign = (text, properties) => make("bdi", { dir: "auto", textContent: text, ...properties });

const number = (value) => value.toLocaleString("en");
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
const percent = (score) => (score > 0 && score < 10 ? "< 1 %" : `${Math.floor(score / 10)} %`);

/** Text as it is compared: case, accents, underscores don't count. */
const fold = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("_", " ").toLowerCase();

// The data

const blocks = (kind) => [...document.querySelectorAll(`script[data-block="${kind}"]`)];
const read = (block) => JSON.parse(block.textContent);

const about = read(blocks("about")[0]);
const labels = read(blocks("labels")[0]).map(([id, name, parent]) => ({ id, name, parent, below: [] }));
labels.forEach((label, row) => { if (label.parent >= 0) labels[label.parent].below.push(row); });
const rowOf = new Map(labels.map((label, row) => [label.id, row]));

const photos = [];
const failures = [];
blocks("rows").forEach((block, at) => {
  const rows = read(block);
  rows.photos.forEach(([folder, name, flat], place) => {
    const found = [];
    for (let i = 0; i < flat.length; i += 2) found.push({ row: flat[i], score: flat[i + 1] });
    photos.push({ folder, name, found, at, place });
  });
  for (const [path, kind, message] of rows.failures) failures.push({ path, kind, message });
});

const thumbnailBlocks = blocks("thumbnails");
const parsed = new Map(); // the blocks of thumbnails used last

function thumbnail(photo) {
  const block = parsed.get(photo.at) ?? read(thumbnailBlocks[photo.at]);
  parsed.delete(photo.at);
  parsed.set(photo.at, block);
  if (parsed.size > KEPT_BLOCKS) parsed.delete(parsed.keys().next().value);
  return block[photo.place];
}

/** Names of a label and those above it, from the root. */
function lineage(row) {
  const names = [];
  for (; row >= 0; row = labels[row].parent) names.unshift(labels[row].name);
  return names;
}

// The filter

const state = { text: "", score: 0, chosen: ANY }; // score in thousandths
let found = photos;      // photos that match
let counts = [];         // photos of each label or something below it
let unlabelled = 0;

const reaching = (photo) => photo.found.filter(({ score }) => score >= state.score);

/** For each label whether it, or one above it, is among these; parents come first in labels. */
function withBelow(isMeant) {
  const within = new Uint8Array(labels.length);
  labels.forEach((label, row) => {
    within[row] = isMeant(row) || (label.parent >= 0 && within[label.parent]) ? 1 : 0;
  });
  return within;
}

const foldedNames = labels.map(({ name }) => fold(name));

/** Whether each label is named by the text: exactly if one is, else by the start of a word. */
function naming(text) {
  const exact = new Set(foldedNames).has(text);
  return (row) => foldedNames[row] === text
    || (!exact && ` ${foldedNames[row]}`.includes(` ${text}`));
}

/** The part of the folders that all photos share: a search in it would tell nothing apart. */
const sharedFolder = photos.reduce((shared, { folder }) => {
  while (!folder.startsWith(shared)) shared = shared.slice(0, -1);
  return shared;
}, photos[0]?.folder ?? "");

function fileHas(photo, text) {
  photo.folded ??= fold(photo.folder.slice(sharedFolder.length) + photo.name);
  return photo.folded.includes(text);
}

function matching() {
  const text = fold(state.text.trim());
  const named = text && withBelow(naming(text));
  const chosen = state.chosen >= 0 && withBelow((row) => row === state.chosen);
  const inChosen = ({ row }) => !chosen || chosen[row];
  return photos.filter((photo) => {
    const has = reaching(photo);
    if (state.chosen === NONE) return !has.length && (!text || fileHas(photo, text));
    if ((state.score || chosen) && !has.some(inChosen)) return false;
    return !text || fileHas(photo, text) || has.some((one) => inChosen(one) && named[one.row]);
  });
}

function count() {
  const last = new Int32Array(labels.length).fill(-1); // the photo that a label counted last
  counts = new Uint32Array(labels.length);
  unlabelled = 0;
  photos.forEach((photo, index) => {
    const has = reaching(photo);
    if (!has.length) unlabelled += 1;
    for (let { row } of has) {
      for (; row >= 0 && last[row] !== index; row = labels[row].parent) {
        last[row] = index;
        counts[row] += 1;
      }
    }
  });
}

/** Filter and draw anew; the tree only where its counts or its choice may have changed. */
function apply({ recount = false, reveal = false } = {}) {
  if (recount) count();
  found = matching();
  if (reveal && state.chosen >= 0) {
    for (let row = labels[state.chosen].parent; row >= 0; row = labels[row].parent) open.add(row);
  }
  if (recount || reveal) drawTree();
  drawChoice();
  drawPhotos();
  remember();
}

// The filter in the address, to be bookmarked

let remembering;

function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => { // browsers refuse too many changes at once
    const hash = new URLSearchParams();
    if (state.text.trim()) hash.set("text", state.text.trim());
    if (state.score) hash.set("score", state.score / 10);
    if (state.chosen >= 0) hash.set("label", labels[state.chosen].id);
    if (state.chosen === NONE) hash.set("unlabelled", "");
    try {
      history.replaceState(null, "", `#${hash}`);
    } catch {
      // Where the address can't be changed there is nothing to bookmark.
    }
  }, 200);
}

function recall() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const score = Math.round(Number(hash.get("score")));
  state.text = hash.get("text") ?? "";
  state.score = score > 0 && score <= 100 ? 10 * score : 0;
  state.chosen = hash.has("unlabelled") ? NONE : rowOf.get(hash.get("label")) ?? ANY;
  $("text").value = state.text;
  $("score").value = state.score / 10;
  drawScore();
}

// The top of the page

function drawTop() {
  const labelled = photos.filter((photo) => photo.found.length).length;
  const facts = [["photos", photos.length + failures.length], ["labelled", labelled],
    ["without a label", photos.length - labelled], ["could not be read", failures.length]];
  for (const [name, value] of facts) {
    if (value || name === "photos" || name === "labelled") {
      $("counts").append(make("div", {}, make("dt", { textContent: name }),
        make("dd", { textContent: number(value) })));
    }
  }
  $("counts").firstElementChild.firstElementChild.textContent =
    photos.length + failures.length === 1 ? "photo" : "photos";
  about.folder.forEach((folder, index) => $("folders").append(index ? ", " : "", foreign(folder)));
  const date = new Date(about.made);
  const made = Number.isNaN(date.getTime()) ? about.made
    : date.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  $("made").append("Model ", foreign(about.model), ", vocabulary ", foreign(about.vocabulary),
    ", zsl ", foreign(about.version), ", made ",
    make("time", { dateTime: about.made, textContent: made }));
}

function drawScore() {
  const shown = `${state.score / 10} %`;
  $("score-shown").value = shown;
  $("score").setAttribute("aria-valuetext", shown);
}

function drawChoice() {
  const { chosen } = state;
  const name = chosen >= 0 ? labels[chosen].name : "no label";
  $("chosen").hidden = chosen === ANY;
  $("chosen").replaceChildren(foreign(name), " ✕");
  $("chosen").setAttribute("aria-label", `Stop showing only ${name}`);
  $("clear").hidden = chosen === ANY && !state.text && !state.score;
  for (const pick of $("tree").querySelectorAll(".pick")) {
    pick.setAttribute("aria-pressed", String(Number(pick.dataset.row) === chosen));
  }
}

function drawSuggestions() {
  const text = fold(state.text.trim());
  const best = new Map(); // several labels can have one name
  const start = text && new RegExp(`(^| )${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "u");
  labels.forEach(({ name }, row) => {
    if (counts[row] && (!start || start.test(foldedNames[row]))) {
      best.set(name, Math.max(best.get(name) ?? 0, counts[row]));
    }
  });
  const names = [...best].sort((a, b) => b[1] - a[1]).slice(0, SUGGESTIONS);
  $("names").replaceChildren(...names.map(([name, photosOfIt]) =>
    make("option", { value: name, label: `${name} (${number(photosOfIt)})` })));
}

// The tree of labels

const open = new Set();

/** Those of the rows that have photos, most photos first. */
const ordered = (rows) => rows.filter((row) => counts[row]).sort((a, b) =>
  counts[b] - counts[a] || (labels[a].name < labels[b].name ? -1 : 1));

/** The row, and those below it as long as each is the only one and has the same photos. */
function chain(row) {
  const rows = [row];
  for (;;) {
    const below = ordered(labels[rows.at(-1)].below);
    if (below.length !== 1 || counts[below[0]] !== counts[row]) return rows;
    rows.push(below[0]);
  }
}

function pickButton(row, value, ...texts) {
  const photosOfIt = make("span", { className: "number", textContent: number(value) });
  photosOfIt.append(make("span", { className: "unseen", textContent: value === 1 ? " photo" : " photos" }));
  return make("button", { type: "button", className: "pick", "data-row": row, "aria-pressed": "false" },
    make("span", {}, ...texts), photosOfIt);
}

function branch(row) {
  const rows = chain(row);
  const last = rows.at(-1);
  const { name } = labels[last];
  const above = rows.slice(0, -1).map((one) => labels[one].name);
  const below = labels[last].below.some((one) => counts[one]);
  const toggle = make("button", { type: "button", className: below ? "toggle" : "toggle leaf",
    "aria-label": `What is below ${name}`, "aria-expanded": "false" });
  const texts = above.length ? [make("small", {}, foreign(`${above.join(" › ")} ›`))] : [];
  const item = make("li", {}, make("div", { className: "row" }, toggle,
    pickButton(last, counts[last], ...texts, foreign(name))));
  const unfold = (unfolded) => {
    toggle.setAttribute("aria-expanded", String(unfolded));
    item.querySelector(":scope > ul")?.remove();
    if (unfolded) item.append(make("ul", {}, ...ordered(labels[last].below).map(branch)));
  };
  toggle.addEventListener("click", () => {
    if (open.delete(last)) unfold(false);
    else { open.add(last); unfold(true); }
    drawChoice();
  });
  if (below && rows.some((one) => open.has(one))) { open.add(last); unfold(true); }
  return item;
}

function drawTree() {
  const roots = ordered([...labels.keys()].filter((row) => labels[row].parent < 0));
  const list = make("ul", {}, ...roots.map(branch));
  if (unlabelled) {
    list.append(make("li", { className: "rest" }, pickButton(NONE, unlabelled, "no label")));
  }
  $("tree").replaceChildren(list);
}

function pick(row) {
  state.chosen = state.chosen === row ? ANY : row;
  apply();
}

$("tree").addEventListener("click", ({ target }) => {
  const button = target.closest(".pick");
  if (button) pick(Number(button.dataset.row));
});

$("tree").addEventListener("keydown", (event) => {
  const row = event.target.closest(".row");
  const toggle = row?.querySelector(".toggle");
  const picks = [...$("tree").querySelectorAll(".pick")];
  const at = picks.indexOf(row?.querySelector(".pick") ?? event.target.closest(".pick"));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    picks[at + step]?.focus();
    event.preventDefault();
  } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && toggle) {
    const folded = toggle.getAttribute("aria-expanded") === "false";
    if (folded === (event.key === "ArrowRight") && !toggle.classList.contains("leaf")) toggle.click();
    event.preventDefault();
  }
});

// The photos

function picture(photo, element) {
  const data = thumbnail(photo);
  element.className = data ? "picture" : "picture none";
  element.replaceChildren(data
    ? make("img", { alt: "", decoding: "async", src: `data:image/jpeg;base64,${data}` })
    : "no preview");
  return element;
}

/** Name, score and bar of a label that was found; the name can be an element of its own. */
function bar(tag, { row, score }, name = foreign(labels[row].name)) {
  const filled = make("span");
  filled.style.width = `${score / 10}%`;
  return make(tag, { className: "label" },
    make("span", { className: "line" }, name,
      make("span", { className: "number", textContent: percent(score) })),
    make("span", { className: "track", "aria-hidden": "true" }, filled));
}

function card(photo, index) {
  const has = reaching(photo);
  const bars = has.slice(0, ON_CARD).map((one) => bar("span", one));
  bars[0]?.classList.add("best");
  if (!has.length) bars.push(make("span", { className: "nothing", textContent: "no label" }));
  return make("li", {}, make("button", { type: "button", className: "card", "data-index": index,
    tabIndex: index ? -1 : 0, "aria-haspopup": "dialog" },
  picture(photo, make("span")),
  make("span", { className: "caption" }, make("span", { className: "file" }, foreign(photo.name)),
    ...bars)));
}

const cards = $("photos").children;

function drawMore() {
  const from = cards.length;
  const built = found.slice(from, from + PAGE).map((photo, index) => card(photo, from + index));
  $("photos").append(...built);
  const left = found.length - cards.length;
  $("more").hidden = !left;
  $("more").textContent = `Show ${number(Math.min(left, PAGE))} more of ${number(left)}`;
}

function drawPhotos() {
  const all = photos.length;
  $("found").textContent = found.length === all ? plural(all, "photo")
    : `${number(found.length)} of ${plural(all, "photo")}`;
  $("empty").hidden = found.length > 0;
  $("empty").textContent = all ? "No photo matches." : "No photo was labelled.";
  $("photos").replaceChildren();
  drawMore();
}

/** The focus on a card, which is built first if need be; one card alone is reached by Tab. */
function focusCard(index) {
  while (cards.length <= index && cards.length < found.length) drawMore();
  const button = cards[index]?.firstElementChild;
  if (!button) return;
  for (const other of $("photos").querySelectorAll('.card[tabindex="0"]')) other.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

$("photos").addEventListener("keydown", (event) => {
  const button = event.target.closest(".card");
  if (!button || event.altKey || event.ctrlKey || event.metaKey) return;
  const columns = getComputedStyle($("photos")).gridTemplateColumns.split(" ").length;
  const at = Number(button.dataset.index);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns,
    ArrowUp: at - columns, Home: 0, End: cards.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to >= 0 && to < found.length) focusCard(to);
});

$("photos").addEventListener("click", ({ target }) => {
  const button = target.closest(".card");
  if (button) show(Number(button.dataset.index));
});

$("more").addEventListener("click", () => {
  const first = cards.length;
  drawMore();
  focusCard(first);
});

// One photo

const dialog = $("details");
let current = 0;

function show(index) {
  const photo = found[index];
  if (!photo) return;
  current = index;
  picture(photo, $("details-picture"));
  $("details-name").replaceChildren(foreign(photo.name));
  $("details-path").replaceChildren(foreign(photo.folder + photo.name));
  $("details-labels").replaceChildren(...photo.found.map((one) => {
    const name = make("button", { type: "button", title: "Show all photos of this" },
      foreign(labels[one.row].name));
    name.addEventListener("click", () => {
      dialog.close();
      state.chosen = one.row;
      apply({ reveal: true });
      focusCard(0);
    });
    const item = bar("li", one, name);
    if (one.score < state.score) item.classList.add("under");
    const above = lineage(one.row).slice(0, -1);
    if (above.length) item.append(make("span", { className: "above" }, foreign(above.join(" › "))));
    return item;
  }));
  if (!photo.found.length) {
    $("details-labels").append(make("li", { className: "nothing", textContent: "no label" }));
  }
  $("position").textContent = `${number(index + 1)} of ${number(found.length)}`;
  $("previous").disabled = index === 0;
  $("next").disabled = index === found.length - 1;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  // A button that has just been disabled would keep the keys from the dialog.
  if (!dialog.contains(document.activeElement) || document.activeElement.disabled) $("close").focus();
}

$("previous").addEventListener("click", () => show(current - 1));
$("next").addEventListener("click", () => show(current + 1));
$("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
dialog.addEventListener("close", () => focusCard(current));
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  show(current + step);
});

// The failures

function drawFailures() {
  $("failures").hidden = !failures.length;
  $("failures").querySelector("summary").textContent =
    `${plural(failures.length, "file")} could not be read`;
  const kinds = new Map();
  for (const failure of failures) {
    if (!kinds.has(failure.kind)) kinds.set(failure.kind, []);
    kinds.get(failure.kind).push(failure);
  }
  for (const [kind, all] of [...kinds].sort((a, b) => b[1].length - a[1].length)) {
    const list = make("ul");
    const more = make("button", { type: "button", className: "plain", textContent: "Show more" });
    const addSome = () => {
      const from = list.children.length;
      list.append(...all.slice(from, from + FAILURES).map(({ path, message }) =>
        make("li", {}, foreign(path), make("span", {}, foreign(message)))));
      more.hidden = list.children.length === all.length;
    };
    more.addEventListener("click", addSome);
    addSome();
    $("failure-list").append(make("details", { open: true },
      make("summary", { textContent: `${KINDS[kind] ?? kind}: ${number(all.length)}` }), list, more));
  }
}

// The controls

let typing;

$("text").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    state.text = $("text").value;
    drawSuggestions();
    apply();
  }, 120);
});

let sliding;

$("score").addEventListener("input", () => {
  state.score = 10 * Number($("score").value);
  drawScore();
  clearTimeout(sliding);
  sliding = setTimeout(() => apply({ recount: true }), 60);
});

$("filters").addEventListener("submit", (event) => event.preventDefault());

$("clear").addEventListener("click", () => {
  Object.assign(state, { text: "", score: 0, chosen: ANY });
  $("text").value = "";
  $("score").value = 0;
  drawScore();
  apply({ recount: true });
  $("text").focus();
});

$("chosen").addEventListener("click", () => {
  pick(state.chosen);
  $("text").focus();
});

$("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the filter
  if (cards.length) focusCard(0);
  else $("photos").focus();
});

addEventListener("hashchange", () => {
  recall();
  apply({ recount: true, reveal: true });
});

new IntersectionObserver((seen) => {
  if (seen.some((one) => one.isIntersecting) && cards.length && cards.length < found.length) drawMore();
}, { rootMargin: "600px" }).observe($("more").parentElement);

drawTop();
drawFailures();
$("browse").open = matchMedia("(min-width: 60rem)").matches;
recall();
apply({ recount: true, reveal: true });
drawSuggestions();
