"use strict";
// Sorts and filters the ranking, and prints one source alone. Without it the page is complete,
// with the worst source first.
(() => {
  const SHOWN = 50;
  const table = document.getElementById("ranking");
  const controls = document.getElementById("controls");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row, index) => ({
    row,
    index,
    verdict: row.className,
    name: row.cells[1].textContent.normalize("NFKC").toLowerCase(),
  }));
  const state = { column: 0, ascending: true, all: rows.length <= SHOWN + 10 };
  const headings = [...table.tHead.rows[0].cells];
  const search = controls.querySelector("input[type=search]");
  const boxes = [...controls.querySelectorAll("input[type=checkbox]")];
  const status = document.getElementById("status");
  const more = document.getElementById("more");

  // What a row is sorted by: a string, or a number that is NaN where there is none.
  const key = ({ row, name, index }, column) => {
    switch (headings[column].dataset.sort) {
      case "rank": return index;
      case "name": return name;
      default: return parseFloat(row.cells[column].textContent.replace(/[^\d.]/g, ""));
    }
  };

  const sort = () => {
    const { column, ascending } = state;
    const keys = new Map(rows.map((entry) => [entry, key(entry, column)]));
    const collator = new Intl.Collator(undefined, { numeric: true });
    const missing = (value) => typeof value === "number" && Number.isNaN(value);
    const ordered = [...rows].sort((a, b) => {
      const left = keys.get(a), right = keys.get(b);
      if (missing(left) || missing(right)) return missing(left) - missing(right) || a.index - b.index;
      const order = typeof left === "string" ? collator.compare(left, right) : left - right;
      return (ascending ? order : -order) || a.index - b.index;
    });
    body.append(...ordered.map((entry) => entry.row));
    headings.forEach((heading, at) => {
      if (at === column) heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else heading.removeAttribute("aria-sort");
    });
    return ordered;
  };

  let ordered = rows;
  const show = () => {
    const text = search.value.trim().normalize("NFKC").toLowerCase();
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let matching = 0;
    for (const entry of ordered) {
      const matches = verdicts.has(entry.verdict) && entry.name.includes(text);
      entry.row.hidden = !matches || (!state.all && matching >= SHOWN);
      matching += matches;
    }
    const shown = state.all ? matching : Math.min(matching, SHOWN);
    const count = (number) => number.toLocaleString("en");
    status.textContent = matching === rows.length && shown === matching
      ? `All ${count(rows.length)} shown.`
      : `${count(shown)} of ${count(matching)} shown` +
        (matching < rows.length ? `; the filter leaves out ${count(rows.length - matching)}.` : ".");
    more.hidden = shown === matching;
    more.firstElementChild.textContent = `Show all ${count(matching)}`;
  };

  headings.forEach((heading, column) => {
    if (!heading.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const first = heading.dataset.sort !== "number";
      state.ascending = state.column === column ? !state.ascending : first;
      state.column = column;
      ordered = sort();
      show();
    });
  });
  search.addEventListener("input", show);
  boxes.forEach((box) => box.addEventListener("change", show));
  more.firstElementChild.addEventListener("click", () => { state.all = true; show(); });
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;
  headings[0].setAttribute("aria-sort", "ascending");
  show();

  // Rows that CSS lays out as blocks are no rows to some screen readers, so say what they are.
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  const narrow = matchMedia("(max-width: 860px)");
  const describe = () => {
    for (const folded of document.querySelectorAll("#ranking, .fold")) {
      for (const part of [folded, ...folded.querySelectorAll("thead, tbody, tr, th, td")]) {
        if (!narrow.matches) part.removeAttribute("role");
        else part.setAttribute("role", roles[part.tagName] ??
          (part.getAttribute("scope") === "row" ? "rowheader" : "columnheader"));
      }
    }
  };
  narrow.addEventListener("change", describe);
  if (narrow.matches) describe();

  for (const article of document.querySelectorAll("article")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Print this source alone";
    button.addEventListener("click", () => {
      document.body.classList.add("one");
      article.classList.add("this");
      addEventListener("afterprint", () => {
        document.body.classList.remove("one");
        article.classList.remove("this");
      }, { once: true });
      print();
    });
    article.querySelector("header").append(button);
  }
})();
