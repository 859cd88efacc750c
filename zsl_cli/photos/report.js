"use strict";
(() => {
  const PAGE = 120; // cards that are built at a time
  const SUGGESTIONS = 400;
  const FAILURES = 500; // of one kind

  const $ = (id) => document.getElementById(id);
  const blocks = (kind) => [...document.querySelectorAll(`script[data-block="${kind}"]`)];
  const parsed = (block) => JSON.parse(block.textContent);
  const number = (value) => value.toLocaleString("en");
  const percent = (thousandths) =>
    (thousandths > 0 && thousandths < 5 ? "< 1 %" : `${Math.round(thousandths / 10)} %`);
  const plain = (text) => text.normalize("NFC").toLowerCase(); // as texts are compared

  // Everything from outside goes through here, as text.
  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // The data: labels are [id, name, row of the parent], parents first, and so are keywords, where
  // there are any; a photo is [folder, file name, [label's row, score in thousandths, ...], the same
  // of keywords and their confidence] and where its thumbnail is. The page shows keywords and
  // filters by them, where there are any, and the labels with the single photo.
  const about = parsed(blocks("about")[0]);
  const allLabels = parsed(blocks("labels")[0]);
  const withKeywords = blocks("keywords").length > 0;
  const labels = withKeywords ? parsed(blocks("keywords")[0]) : allLabels;
  const KIND = withKeywords ? "keyword" : "label";
  const UNLABELLED = `no ${KIND}`; // what is said of such a photo, and finds it
  const thumbnailBlocks = blocks("thumbnails");
  const photos = [];
  const failures = [];
  blocks("rows").forEach((block, at) => {
    const rows = parsed(block);
    rows.photos.forEach(([folder, name, scored, keywords], within) =>
      photos.push({ folder, name, scores: keywords || scored, scored, at, within }));
    failures.push(...rows.failures);
    block.remove();
  });

  // What all paths begin with tells no photo from another, so that it is not searched.
  const common = photos.reduce((start, { folder }) => {
    while (!folder.startsWith(start)) start = start.slice(0, -1);
    return start;
  }, photos.length ? photos[0].folder : "").length;
  photos.forEach((photo) => { photo.text = plain(photo.folder.slice(common) + photo.name); });

  const opened = new Map(); // a few blocks of thumbnails, the last used at the end
  const thumbnail = (photo) => {
    const block = opened.get(photo.at) || parsed(thumbnailBlocks[photo.at]);
    opened.delete(photo.at);
    opened.set(photo.at, block);
    if (opened.size > 6) opened.delete(opened.keys().next().value);
    return block[photo.within];
  };
  const picture = (photo) => {
    const data = thumbnail(photo);
    if (!data) return element("span", "no-picture", "no picture");
    const image = element("img");
    image.alt = "";
    image.decoding = "async";
    image.src = `data:image/jpeg;base64,${data}`;
    return image;
  };

  const children = labels.map(() => []);
  const roots = [];
  labels.forEach(([, , parent], row) => (parent < 0 ? roots : children[parent]).push(row));
  const lineage = (row, table) => {
    const names = [];
    for (; row >= 0; row = table[row][2]) names.unshift(table[row][1]);
    return names;
  };

  const state = { text: "", score: 0, label: -1 };
  let matching = []; // indices of photos
  let shown = 0; // how many of these have a card
  let current = -1; // which of these the dialog shows

  /* Which photos match */

  // Marks the labels for which `chosen` holds, and all below them.
  const marked = (chosen) => {
    const marks = new Uint8Array(labels.length);
    labels.forEach(([, name, parent], row) => {
      marks[row] = (parent >= 0 && marks[parent]) || chosen(row, name) ? 1 : 0;
    });
    return marks;
  };

  const filter = () => {
    const text = plain(state.text.trim());
    const least = state.score * 10;
    const named = text ? marked((_, name) => plain(name).includes(text)) : null;
    const below = state.label >= 0 ? marked((row) => row === state.label) : null;
    const has = (photo, marks) => {
      for (let at = 0; at < photo.scores.length; at += 2) {
        if (photo.scores[at + 1] >= least && (!marks || marks[photo.scores[at]])) return true;
      }
      return false;
    };
    matching = [];
    photos.forEach((photo, index) => {
      if (below && !has(photo, below)) return;
      if (named && !photo.text.includes(text) && !has(photo, named)
        && !(text === UNLABELLED && !photo.scores.length)) return;
      if (least > 0 && !has(photo, null)) return;
      matching.push(index);
    });
  };

  // For each label the number of photos that have it, or something below it, at this score.
  const counted = () => {
    const least = state.score * 10;
    const counts = new Uint32Array(labels.length);
    const last = new Int32Array(labels.length).fill(-1);
    photos.forEach((photo, index) => {
      for (let at = 0; at < photo.scores.length; at += 2) {
        if (photo.scores[at + 1] < least) continue;
        for (let row = photo.scores[at]; row >= 0 && last[row] !== index; row = labels[row][2]) {
          last[row] = index;
          counts[row] += 1;
        }
      }
    });
    return counts;
  };

  /* The tree of labels */

  const open = new Set();
  let counts = counted();
  const present = (rows) =>
    rows.filter((row) => counts[row]).sort((a, b) => counts[b] - counts[a] || a - b);

  const branch = (row) => {
    const names = [labels[row][1]];
    let end = row;
    for (let inner = present(children[end]); inner.length === 1 && counts[inner[0]] === counts[end];
      inner = present(children[end])) {
      [end] = inner;
      names.push(labels[end][1]);
    }
    const item = element("li");
    const line = element("div", "branch");
    item.append(line);
    const inner = present(children[end]);
    if (inner.length) {
      const toggle = element("button", "toggle");
      toggle.type = "button";
      const set = (expanded) => {
        toggle.setAttribute("aria-expanded", String(expanded));
        toggle.setAttribute("aria-label", `${expanded ? "Close" : "Open"} ${names.at(-1)}`);
        toggle.textContent = expanded ? "▾" : "▸";
        item.querySelector("ul")?.remove();
        if (expanded) item.append(branches(inner));
      };
      toggle.addEventListener("click", () => {
        if (!open.delete(row)) open.add(row);
        set(open.has(row));
      });
      line.append(toggle);
      set(open.has(row));
    } else {
      line.append(element("span", "toggle"));
    }
    const choose = element("button", "choose");
    choose.type = "button";
    choose.dataset.label = labels[end][0];
    const text = element("span", "names");
    if (names.length > 1) text.append(element("span", "above", `${names.slice(0, -1).join(" › ")} › `));
    text.append(element("span", "name", names.at(-1)));
    choose.append(text, element("span", "count", number(counts[row])));
    choose.setAttribute("aria-pressed", String(end === state.label));
    choose.addEventListener("click", () => {
      state.label = state.label === end ? -1 : end;
      update();
      document.querySelector(`.choose[data-label="${CSS.escape(labels[end][0])}"]`)?.focus();
    });
    line.append(choose);
    return item;
  };
  const branches = (rows) => {
    const list = element("ul");
    list.append(...rows.map(branch));
    return list;
  };
  const drawTree = () => {
    const rows = present(roots);
    $("tree").replaceChildren(rows.length ? branches(rows) : element("p", "quiet", `No ${KIND}s.`));
  };

  /* The cards */

  // Appends items of these scores, in which the numbers are rows of the table.
  // path: of the photo whose labels they are, where they can be corrected.
  const labelList = (list, scores, table, long, path) => {
    const least = table === labels ? state.score * 10 : 0;
    for (let at = 0; at < scores.length; at += 2) {
      const [row, score] = scores.slice(at, at + 2);
      const item = element("li", score < least ? "weak" : "");
      const names = element("span", "label-names");
      names.append(element("bdi", "label-name", table[row][1]));
      if (long) {
        const above = lineage(row, table).slice(0, -1);
        if (above.length) names.append(element("span", "above", above.join(" › ")));
      }
      const bar = element("span", "bar-track");
      const fill = element("span", "bar-fill");
      fill.style.width = `${score / 10}%`;
      bar.append(fill);
      bar.setAttribute("aria-hidden", "true");
      item.append(names, bar, element("span", "score", percent(score)));
      if (path !== undefined) {
        const [id, name] = table[row];
        item.append(corrections.wrong(path, id, name));
        item.classList.toggle("struck", corrections.has(path, id, false));
      }
      list.append(item);
    }
    if (!scores.length) list.append(element("li", "quiet", table === labels ? UNLABELLED : "no label"));
    return list;
  };

  const CARD = withKeywords ? 6 : 3; // of them on a card
  const card = (index, at) => {
    const photo = photos[index];
    const item = element("li");
    const button = element("button", "card");
    button.type = "button";
    button.dataset.at = at;
    button.tabIndex = at === 0 ? 0 : -1;
    button.setAttribute("aria-haspopup", "dialog");
    const frame = element("span", "picture");
    frame.append(picture(photo));
    const name = element("bdi", "file", photo.name);
    name.title = photo.folder + photo.name;
    button.append(frame, name);
    button.addEventListener("click", () => show(at));
    const list = labelList(element("ul", "labels"), photo.scores.slice(0, 2 * CARD), labels, false);
    item.append(button, list);
    return item;
  };

  const more = () => {
    const next = matching.slice(shown, shown + PAGE);
    $("photos").append(...next.map((index, at) => card(index, shown + at)));
    shown += next.length;
    const left = matching.length - shown;
    $("more").hidden = left === 0;
    $("more").textContent = `Show ${number(Math.min(left, PAGE))} more of ${number(left)}`;
  };

  const cardAt = (at) => document.querySelector(`.card[data-at="${at}"]`);
  const focusCard = (at) => {
    while (at >= shown && shown < matching.length) more();
    const found = cardAt(at);
    if (!found) return;
    document.querySelectorAll('.card[tabindex="0"]').forEach((other) => { other.tabIndex = -1; });
    found.tabIndex = 0;
    found.focus();
  };
  const columns = () => getComputedStyle($("photos")).gridTemplateColumns.split(" ").length;
  $("photos").addEventListener("keydown", (event) => {
    const from = event.target.closest(".card");
    if (!from) return;
    const at = Number(from.dataset.at);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns(),
      Home: -at, End: shown - 1 - at };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = at + steps[event.key];
    if (to >= 0 && to < matching.length) focusCard(to);
  });
  $("photos").addEventListener("focusin", (event) => {
    const from = event.target.closest(".card");
    if (!from || from.tabIndex === 0) return;
    document.querySelectorAll('.card[tabindex="0"]').forEach((other) => { other.tabIndex = -1; });
    from.tabIndex = 0;
  });
  $("more").addEventListener("click", () => {
    const first = shown;
    more();
    focusCard(first);
  });
  new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting) && shown < matching.length) more();
  }, { rootMargin: "600px" }).observe($("more"));

  /* One photo */

  const draw = () => {
    const photo = photos[matching[current]];
    $("details-picture").replaceChildren(picture(photo));
    $("details-name").replaceChildren(element("bdi", "", photo.name));
    $("details-path").replaceChildren(element("bdi", "", photo.folder + photo.name));
    $("details-labels").replaceChildren();
    labelList($("details-labels"), photo.scores, labels, true, photo.folder + photo.name);
    corrections.drawAdded($("details-added"), photo.folder + photo.name);
    $("details-more").hidden = !withKeywords;
    if (withKeywords) {
      $("details-scored").replaceChildren();
      labelList($("details-scored"), photo.scored, allLabels, true);
    }
    $("position").textContent = `${number(current + 1)} of ${number(matching.length)}`;
    $("previous").disabled = current === 0;
    $("next").disabled = current === matching.length - 1;
  };
  // The button that was pressed is drawn anew, so that its place is what has the focus then.
  const corrections = new Corrections($("corrections"), () => {
    if (!$("details").open) return;
    const pressed = [...$("details").querySelectorAll(".wrong")].indexOf(document.activeElement);
    draw();
    $("details").querySelectorAll(".wrong")[pressed]?.focus();
  }, "names");
  const show = (at) => {
    current = at;
    draw();
    if (!$("details").open) $("details").showModal();
  };
  const step = (by) => {
    if (current + by >= 0 && current + by < matching.length) show(current + by);
  };
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("close").addEventListener("click", () => $("details").close());
  $("details").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target.matches("input")) return;
    event.preventDefault();
    step(by);
  });
  $("details").addEventListener("click", (event) => {
    if (event.target === $("details")) $("details").close(); // beside it
  });
  $("details").addEventListener("close", () => focusCard(current));

  /* The filters, and the address that remembers them */

  const remember = () => {
    const kept = new URLSearchParams();
    if (state.text) kept.set("text", state.text);
    if (state.score) kept.set("score", state.score);
    if (state.label >= 0) kept.set("label", labels[state.label][0]);
    try {
      history.replaceState(null, "", `#${kept}`);
    } catch {
      // A browser may refuse when a slider is moved too fast: the next move will do.
    }
  };
  const recall = () => {
    const kept = new URLSearchParams(location.hash.slice(1));
    state.text = kept.get("text") || "";
    state.score = Math.min(100, Math.max(0, Math.round(Number(kept.get("score"))) || 0));
    state.label = labels.findIndex(([id]) => id === kept.get("label"));
    $("text").value = state.text;
    $("score").value = state.score;
  };

  const update = (scoreChanged) => {
    if (scoreChanged) counts = counted();
    filter();
    drawTree();
    $("photos").replaceChildren();
    shown = 0;
    more();
    $("score-shown").textContent = `${state.score} %`;
    $("found").textContent = matching.length === photos.length
      ? `${number(photos.length)} ${photos.length === 1 ? "photo" : "photos"}`
      : `${number(matching.length)} of ${number(photos.length)} photos`;
    const chosen = $("chosen");
    chosen.hidden = state.label < 0;
    if (state.label >= 0) {
      chosen.textContent = `${labels[state.label][1]} ✕`;
      chosen.setAttribute("aria-label", `Remove the filter ${labels[state.label][1]}`);
    }
    $("clear").hidden = !(state.text || state.score || state.label >= 0);
    $("empty").hidden = matching.length > 0;
    $("empty").textContent = photos.length ? "No photo matches these filters." : "There are no photos.";
  };
  const changed = (scoreChanged) => {
    update(scoreChanged);
    remember();
  };
  let waiting = 0;
  $("text").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.text = $("text").value;
      changed(false);
    }, photos.length > 5000 ? 200 : 60);
  });
  $("score").addEventListener("input", () => {
    state.score = Number($("score").value);
    $("score-shown").textContent = `${state.score} %`;
    clearTimeout(waiting);
    waiting = setTimeout(() => changed(true), photos.length > 5000 ? 120 : 20);
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("chosen").addEventListener("click", () => {
    state.label = -1;
    changed(false);
    $("text").focus();
  });
  $("clear").addEventListener("click", () => {
    Object.assign(state, { text: "", score: 0, label: -1 });
    $("text").value = "";
    $("score").value = 0;
    changed(true);
    $("text").focus();
  });
  $("tree").addEventListener("click", remember);
  $("skip").addEventListener("click", (event) => { // the address belongs to the filters
    event.preventDefault();
    focusCard(0);
  });
  addEventListener("hashchange", () => {
    recall();
    update(true);
  });

  /* What is said once */

  const fact = (name, value) => {
    const pair = element("div");
    pair.append(element("dt", "", name), element("dd", "", value));
    return pair;
  };
  $("folders").replaceChildren(...about.folder.map((folder) => element("bdi", "", folder)));
  const withLabels = new Set(photos.flatMap((photo) => photo.scores.filter((_, at) => at % 2 === 0)));
  $("counts").append(fact("photos", number(photos.length + failures.length)),
    fact("labelled", number(photos.length)), fact("failed", number(failures.length)),
    fact(`different ${KIND}s`, number(withLabels.size)));
  $("made").textContent = `Made ${about.made.replace("T", " ").replace("+00:00", " UTC")} by zsl `
    + `${about.version}, model ${about.model}, vocabulary ${about.vocabulary}`;

  const reasons = new Map();
  failures.forEach(([path, , message]) => {
    const reason = message.replace(/\d+(,\d{3})*/g, "…");
    if (!reasons.has(reason)) reasons.set(reason, []);
    reasons.get(reason).push([path, message]);
  });
  if (failures.length) {
    $("failures").hidden = false;
    $("failures").querySelector("summary").textContent =
      `${number(failures.length)} ${failures.length === 1 ? "file" : "files"} could not be labelled`;
    $("failures").addEventListener("toggle", () => {
      if ($("failure-list").firstChild) return;
      [...reasons].sort((a, b) => b[1].length - a[1].length).forEach(([reason, found]) => {
        $("failure-list").append(element("h3", "", `${number(found.length)} × ${reason}`));
        const list = element("ul");
        found.slice(0, FAILURES).forEach(([path, message]) => {
          const item = element("li");
          item.append(element("bdi", "path", path));
          if (message !== reason) item.append(element("span", "quiet", ` ${message}`));
          list.append(item);
        });
        if (found.length > FAILURES) {
          list.append(element("li", "quiet", `and ${number(found.length - FAILURES)} more`));
        }
        $("failure-list").append(list);
      });
    });
  }

  if (withKeywords) {
    $("text-name").textContent = "Keyword or file name";
    $("score-name").textContent = "Least confidence";
    $("tree-name").textContent = "Keywords";
  }
  const wide = matchMedia("(min-width: 60rem)");
  const place = () => { $("browse").open = wide.matches; };
  wide.addEventListener("change", place);
  place();
  recall();
  update(true);
  $("names").append(...labels.map((_, row) => row).sort((a, b) => counts[b] - counts[a])
    .slice(0, SUGGESTIONS).map((row) => {
      const option = element("option");
      option.value = labels[row][1];
      return option;
    }));
  present(roots).slice(0, 1).forEach((row) => open.add(row));
  drawTree();
})();
