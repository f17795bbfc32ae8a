"use strict";
(function () {
  const root = document.documentElement;
  const up = root.dataset.up;
  const $ = id => document.getElementById(id);

  // contents on a narrow screen
  const menu = $("menu");
  function open(yes) {
    document.body.classList.toggle("open", yes);
    menu.setAttribute("aria-expanded", yes);
  }
  menu.addEventListener("click", () => open(!document.body.classList.contains("open")));
  const here = document.querySelector("#contents [aria-current]");
  if (here) { const list = $("contents"); list.scrollTop = Math.max(0, here.offsetTop - list.clientHeight / 2); }

  // light or dark
  $("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("lora4j-theme", root.dataset.theme); } catch (e) { /* a folder's pages may not store */ }
  });

  // search: every word must be in the section; titles count most, then headings, then beginnings of words in the text
  const input = $("search"), found = $("found");
  let index = null, chosen = -1;
  function load() {
    if (index || document.querySelector("script[data-index]")) return;
    const script = document.createElement("script");
    script.dataset.index = "";
    script.src = up + "book/index.js";
    script.onload = () => {
      index = window.lora4jIndex.map(e => ({ ...e, title: e.t.toLowerCase(), head: e.h.toLowerCase(), text: e.x.toLowerCase() }));
      search();
    };
    document.head.append(script);
  }
  function score(entry, words) {
    let sum = 0;
    for (const word of words) {
      let s = 0;
      if (entry.title === word) s += 60;
      else if (entry.title.includes(word)) s += entry.title.startsWith(word) ? 20 : 12;
      if (entry.head.includes(word)) s += entry.x || entry.p.startsWith("api/") === false ? 15 : 2;
      let at = entry.text.indexOf(word), times = 0;
      while (at >= 0 && times < 6) {
        s += at === 0 || !/[\p{L}\p{N}]/u.test(entry.text[at - 1]) ? 2 : 0.5;
        times++;
        at = entry.text.indexOf(word, at + word.length);
      }
      if (s === 0) return 0;
      sum += s;
    }
    return sum;
  }
  function marked(text, words) {
    const parent = document.createElement("span");
    const escaped = words.map(w => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    for (const part of text.split(new RegExp("(" + escaped.join("|") + ")", "giu"))) {
      if (words.includes(part.toLowerCase())) {
        const mark = document.createElement("mark");
        mark.textContent = part;
        parent.append(mark);
      } else parent.append(part);
    }
    return parent;
  }
  function search() {
    const words = input.value.toLowerCase().split(/\s+/).filter(w => w);
    found.replaceChildren();
    chosen = -1;
    if (!index || words.length === 0) return show(false);
    const hits = index.map(e => [score(e, words), e]).filter(h => h[0] > 0).sort((a, b) => b[0] - a[0]).slice(0, 25);
    hits.forEach(([, e], i) => {
      const item = document.createElement("li"), link = document.createElement("a"), title = document.createElement("b");
      item.role = "option"; item.id = "found-" + i;
      link.href = up + e.p; link.tabIndex = -1;
      title.textContent = e.x === "" && e.p.startsWith("api/") ? e.t : e.h ? e.t + " › " + e.h : e.t;
      link.append(title);
      const at = Math.max(0, e.text.indexOf(words[0]) - 60);
      link.append(e.x === "" && e.p.startsWith("api/") ? marked("class in " + e.h, [])
        : marked((at > 0 ? "… " : "") + e.x.slice(at, at + 170), words));
      item.append(link);
      found.append(item);
    });
    if (hits.length === 0) {
      const item = document.createElement("li");
      item.textContent = "Nothing found. All words must be in one section; a beginning of a word is enough.";
      item.style.padding = ".4rem .6rem";
      found.append(item);
    }
    show(true);
  }
  function show(yes) {
    found.hidden = !yes;
    input.setAttribute("aria-expanded", yes);
    if (!yes) input.removeAttribute("aria-activedescendant");
  }
  function choose(i) {
    const items = found.querySelectorAll("[role=option]");
    if (items.length === 0) return;
    if (chosen >= 0) items[chosen].removeAttribute("aria-selected");
    chosen = (i + items.length) % items.length;
    items[chosen].setAttribute("aria-selected", "true");
    items[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[chosen].id);
  }
  input.addEventListener("focus", () => { load(); if (input.value) search(); });
  input.addEventListener("input", () => { load(); search(); });
  input.addEventListener("keydown", e => {
    if (e.key === "ArrowDown") { choose(chosen + 1); e.preventDefault(); }
    else if (e.key === "ArrowUp") { choose(chosen - 1); e.preventDefault(); }
    else if (e.key === "Escape") { show(false); input.blur(); }
    else if (e.key === "Enter") {
      e.preventDefault();
      const link = found.querySelectorAll("a")[Math.max(chosen, 0)];
      if (link) { show(false); location.href = link.href; }
    }
  });
  document.addEventListener("click", e => { if (!e.target.closest("form")) show(false); });

  // keys: / searches, arrows turn the page where nothing else wants them
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return;
    const typing = e.target.closest && e.target.closest("input, pre, .table, #contents");
    if (e.key === "/" && !typing) { e.preventDefault(); input.focus(); input.select(); }
    if (e.key === "Escape") open(false);
    if (typing) return;
    const turn = e.key === "ArrowLeft" ? "prev" : e.key === "ArrowRight" ? "next" : null;
    const link = turn && document.querySelector(".turn [rel=" + turn + "]");
    if (link) location.href = link.href;
  });

  // which part is being read
  const links = [...document.querySelectorAll(".here a")];
  if (links.length && "IntersectionObserver" in window) {
    const watch = new IntersectionObserver(entries => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links) link.toggleAttribute("aria-current", link.hash === "#" + entry.target.id);
      }
    }, { rootMargin: "0px 0px -75% 0px" });
    links.forEach(link => { const target = $(decodeURIComponent(link.hash.slice(1))); if (target) watch.observe(target); });
  }
})();
