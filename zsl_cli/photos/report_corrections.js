"use strict";
// What a person corrects while looking at the report, and the file of it that `zsl teach` takes:
// a line of JSON for each, {"path", "label", "shows"}, in which a label that is known stands as its
// id, with its name behind.
const Corrections = (() => {
  const make = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const button = (text, name, action) => {
    const made = make("button", "plain", text);
    made.type = "button";
    if (name) made.setAttribute("aria-label", name);
    made.addEventListener("click", action);
    return made;
  };
  const key = (path, label, shows) => JSON.stringify([path, label, shows]);

  return class {
    // noted: called when something was corrected. names: what to suggest, for a list of this id.
    constructor(bar, noted, names) {
      this.all = new Map(); // in the order in which they were made
      this.saved = true;
      this.noted = noted;
      this.names = names;
      this.count = make("p");
      this.count.setAttribute("role", "status");
      const how = make("p", "quiet", "Save them as a file, and have zsl learn them:");
      how.append(" ", make("code", "", "zsl teach --from corrections.jsonl"));
      bar.append(this.count, how, button("Save corrections", "", () => this.save()),
        button("Discard", "", () => this.discard()));
      this.bar = bar;
      addEventListener("beforeunload", (event) => { if (!this.saved) event.preventDefault(); });
    }

    has(path, label, shows) { return this.all.has(key(path, label, shows)); }

    set(on, path, label, shows, more) {
      if (on) this.all.set(key(path, label, shows), { path, label, shows, ...more });
      else this.all.delete(key(path, label, shows));
      this.changed();
    }

    changed() {
      const { size } = this.all;
      this.saved = size === 0;
      this.bar.hidden = size === 0;
      this.count.textContent = `${size} ${size === 1 ? "correction" : "corrections"}`;
      this.noted();
    }

    discard() {
      this.all.clear();
      this.changed();
    }

    save() {
      const lines = [...this.all.values()].map((one) => `${JSON.stringify(one)}\n`);
      const link = make("a");
      link.href = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
      link.download = "corrections.jsonl";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.saved = true;
      this.count.textContent += ", saved as corrections.jsonl";
    }

    // A button that says of a label of a photo that it is wrong.
    wrong(path, id, label) {
      const on = this.has(path, id, false);
      const made = button(on ? "wrong" : "✕", `${label} is wrong`, () => {
        this.set(!on, path, id, false, { name: label });
      });
      made.classList.add("wrong");
      made.title = on ? "It is right after all" : "This is wrong";
      made.setAttribute("aria-pressed", String(on));
      return made;
    }

    // Where labels are given to a photo that it lacks.
    drawAdded(place, path) {
      const list = make("ul", "added");
      this.all.forEach((one) => {
        if (one.path !== path || !one.shows) return;
        const item = make("li");
        item.append(make("bdi", "label-name", one.label),
          button("✕", `Take ${one.label} away again`,
            () => this.set(false, path, one.label, true)));
        list.append(item);
      });
      const form = make("form");
      const input = make("input");
      input.type = "text";
      input.setAttribute("list", this.names);
      input.setAttribute("aria-label", "What is in this photo");
      input.placeholder = "What is in this photo?";
      input.autocomplete = "off";
      const add = make("button", "plain", "Add");
      add.type = "submit";
      form.append(input, add);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const label = input.value.trim().replace(/\s+/g, " ");
        if (!label) return;
        this.set(true, path, label, true);
        place.querySelector("input").focus();
      });
      place.replaceChildren(list, form);
    }
  };
})();
