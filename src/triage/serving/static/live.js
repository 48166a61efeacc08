// The page follows what happens: it is asked for again, and only what differs is put in place.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const list = $("#list");
  const sheet = $("[data-open]"), opened = sheet?.dataset.open;
  const told = $("[data-stream]");
  const MOST = 6, SOON = 60, APART = 550, LATER = 5000, GONE = 4000, MINUTE = 60000;

  // What the server last said of a row, before scripts and people touched it.
  const said = new WeakMap();
  const remember = (row) => said.set(row, row.outerHTML);
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");

  const tell = (row, words) => {
    row.querySelector(".tag-changed")?.remove();
    const tag = document.createElement("span");
    tag.className = "tag tag-changed";
    tag.textContent = words;
    const name = row.querySelector(".name");
    const beside = name.querySelector(".tags") ?? document.createElement("span");
    if (!beside.isConnected) { beside.className = "tags"; name.append(beside); }
    beside.prepend(tag);
    row.classList.add("changed");
    setTimeout(() => { tag.remove(); row.classList.remove("changed"); }, GONE);
  };
  const words = (before, now) => {
    if (!before) return list.dataset.new;
    const rise = Number(now.dataset.risk) - Number(before.dataset.risk);
    if (Math.abs(rise) >= 0.005) return rise > 0 ? list.dataset.up : list.dataset.down;
    const owner = now.querySelector(".person")?.lastChild.textContent;
    if (owner && owner !== before.querySelector(".person")?.lastChild.textContent) return `→ ${owner}`;
    return list.dataset.changed;
  };

  // That time passes is no change.
  const same = (one, other) => {
    const clean = (text) => text.replace(/\d+(&nbsp;|\u00a0)(min|h|days)( ago)?|just now/g, "");
    return clean(one) === clean(other);
  };

  const rows = (body, fresh, acted) => {
    const old = new Map(Array.from(body.rows, (row) => [row.dataset.order, row]));
    const focused = document.activeElement?.closest?.(".row");
    const kept = [];
    for (const row of Array.from(fresh.rows)) {
      const before = old.get(row.dataset.order);
      const text = row.outerHTML;
      if (before && said.get(before) === text) {
        kept.push(before);
        continue;
      }
      const now = document.importNode(row, true);
      said.set(now, text);
      const box = $("[name=order]", now);
      if (before && box) box.checked = $("[name=order]", before)?.checked ?? false;
      kept.push(now);
      if (!acted && !(before && same(said.get(before), text))) tell(now, words(before, now));
      if (before && before === focused) {
        const on = document.activeElement === $("[name=order]", before) ? box : $(".order", now);
        queueMicrotask(() => on?.focus({ preventScroll: true }));
      }
    }
    const stay = new Set(kept);
    for (const row of Array.from(body.rows)) if (!stay.has(row)) row.remove();
    kept.forEach((row, at) => { if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null); });
  };

  // A part is renewed, but not under the hands of who is in it, unless they asked for it.
  const place = (id, fresh, acted) => {
    const now = document.getElementById(id), then = fresh.getElementById(id);
    if (!now || !then || now.innerHTML === then.innerHTML) return;
    const inside = now.contains(document.activeElement) ? document.activeElement : null;
    if (!acted && (inside || now.querySelector("details[open]"))) return;
    now.replaceChildren(...Array.from(then.childNodes, (node) => document.importNode(node, true)));
    if (inside) (now.querySelector(`[data-key="${inside.dataset.key}"]`) ?? $("#main")).focus({ preventScroll: true });
  };

  const bodies = (within) => Array.from(within.querySelectorAll("#list tbody[data-rows]"));
  const putRows = (fresh, acted) => {
    const focused = document.activeElement?.closest?.("#list .row");
    const at = focused ? Array.from(document.querySelectorAll("#list .row")).indexOf(focused) : -1;
    const order = focused?.dataset.order, top = focused?.getBoundingClientRect().top;
    const mine = bodies(document), theirs = bodies(fresh);
    if (mine.length && mine.length === theirs.length && mine.every((b, i) => b.dataset.rows === theirs[i].dataset.rows)) {
      mine.forEach((body, i) => rows(body, theirs[i], acted));
      const foot = $("#list .foot"), then = fresh.querySelector("#list .foot");
      if (foot && then && foot.innerHTML !== then.innerHTML && !foot.contains(document.activeElement)) foot.innerHTML = then.innerHTML;
    } else {
      list.replaceChildren(...Array.from(fresh.getElementById("list").childNodes, (node) => document.importNode(node, true)));
      bodies(document).forEach((body) => Array.from(body.rows, remember));
    }
    if (at < 0) return;
    const all = Array.from(document.querySelectorAll("#list .row"));
    const still = all.find((row) => row.dataset.order === order);
    if (still && !acted) window.scrollBy(0, still.getBoundingClientRect().top - top);
    else if (still) still.scrollIntoView({ block: "nearest" });
    else (all[Math.min(at, all.length - 1)] ?? null)?.querySelector(".order").focus({ preventScroll: true });
  };

  const showList = (fresh, acted) => {
    if (!fresh.getElementById("list")) return;
    putRows(fresh, acted);
    for (const id of ["totals", "views", "asof", "tools"]) place(id, fresh, acted);
    if (acted) place("report", fresh, acted);
    document.dispatchEvent(new CustomEvent("triage:shown", { detail: { acted } }));
    if (acted) requestAnimationFrame(() => setTimeout(() => performance.measure("act-to-paint", "act")));
  };
  // What was asked for may not have reached the service: that is said, and nothing is lost.
  const lost = () => {
    const told = document.createElement("p");
    told.className = "refusal";
    told.textContent = list.dataset.lost;
    $("#report").replaceChildren(told);
  };

  const FOCUSABLE = "a, button, input, select, textarea, summary";
  const sameness = (each) => each.id || [each.tagName, each.form?.getAttribute("action"), each.name, each.value, each.textContent].join(" ");

  // The page of one: what is said of it and the block of work are renewed, what is being typed stays.
  const showOne = (page) => {
    for (const id of ["standing", "class", "views", "asof"]) place(id, page, false);
    const fresh = page.getElementById("work"), now = document.getElementById("work");
    if (!fresh || !now || fresh.outerHTML === now.outerHTML) return;
    const typed = Array.from(now.querySelectorAll("[id]:is(input, select, textarea)"), (each) => [each.id, each.value]);
    const focus = now.contains(document.activeElement) ? sameness(document.activeElement) : null;
    now.replaceWith(document.importNode(fresh, true));
    for (const [id, value] of typed) {
      const field = document.getElementById(id);
      if (field && value) field.value = value;
    }
    if (focus) Array.from($("#work").querySelectorAll(FOCUSABLE)).find((each) => sameness(each) === focus)?.focus({ preventScroll: true });
    const after = $("#work [name=after]")?.value;
    for (const each of document.querySelectorAll(".message [name=after]")) each.value = after;
  };

  // Who else has it open.
  const here = $("#here");
  if (here) {
    setInterval(async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(sheet.dataset.here);
        const text = answer.ok ? await answer.text() : "";
        if (here.textContent !== text) here.textContent = text;
      } catch { /* the stream says that we are offline */ }
    }, 15000);
  }

  // What is shown and what is known to have happened, by the number of the change. An answer that does
  // not show it yet is asked for again: the list rests half a second before it is ranked anew.
  let through = Number(told?.dataset.through ?? 0), wanted = 0, heard = null;
  let due = null, last = 0, busy = false, tries = 0;
  const acting = () => list?.getAttribute("aria-busy") === "true";
  const soon = (wait) => {
    const at = Math.max(performance.now() + wait, last + APART);
    if (due !== null && due.at <= at) return;
    if (due !== null) clearTimeout(due.timer);
    due = { at, timer: setTimeout(refresh, at - performance.now()) };
  };
  const numbered = (page) => Number(page.querySelector("[data-stream]")?.dataset.through ?? 0);
  const shown = (number) => {
    through = number;
    if (through >= wanted) {
      tries = 0;
      clearTimeout(due?.timer);
      due = null;
    } else if (tries < MOST) soon(APART * 2 ** tries++);
  };
  const refresh = async () => {
    due = null;
    if (busy || acting()) { soon(APART); return; }
    busy = true;
    last = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { "X-Triage": "live" } });
      const fresh = parse(await answer.text()), number = numbered(fresh);
      if (!answer.ok) soon(LATER);
      else if (number >= through && !acting()) {
        if (opened) showOne(fresh); else showList(fresh, false);
        shown(number);
      }
    } catch { soon(LATER); }
    busy = false;
  };
  document.addEventListener("triage:page", (event) => {
    const fresh = parse(event.detail.page);
    if (!fresh.getElementById("list")) { lost(); return; }
    showList(fresh, true);
    shown(numbered(fresh));
  });
  document.addEventListener("triage:lost", () => { lost(); expect(wanted, SOON); });

  const expect = (number, wait) => {
    wanted = Math.max(wanted, number);
    if (wanted > through) soon(wait);
  };
  const concerns = (type, facts) => {
    if (type === "decision.expired") return null;
    if (opened) return [facts.exception_id, facts.order_id].includes(opened) ? SOON : null;
    if (type === "work.changed" || type.startsWith(list.dataset.soon)) return SOON;
    const on = Array.from(document.querySelectorAll("#list .row")).some((row) => row.dataset.order === facts.order_id);
    const rose = facts.now?.p_late > facts.before?.p_late && facts.now.band !== facts.before.band;
    return on || (rose && bodies(document)[0]?.dataset.rows !== "exceptions") ? SOON : LATER;
  };
  const hear = (event) => {
    const number = Number(event.lastEventId), missed = heard !== null && number > heard + 1;
    heard = number;
    const wait = missed ? SOON : concerns(event.type, JSON.parse(event.data));
    if (wait !== null) expect(number, wait);
  };

  bodies(document).forEach((body) => Array.from(body.rows, remember));

  // A list that is still being ranked is shown as soon as it stands.
  if ($("[data-again]")) {
    setInterval(async () => {
      const answer = await fetch(location.href).catch(() => null);
      if (answer?.ok) location.reload();
    }, 1000);
  }

  // The stream, and in words whether it is there. Each begins with the number of the newest change: what
  // happened between the page and its stream, or while nobody looked, is asked for.
  if (!told || !(list || opened)) return;
  let source = null, retry = null;
  const state = (now) => {
    told.hidden = false;
    if (now === told.dataset.state) return;
    told.dataset.state = now;
    told.firstElementChild.textContent = told.dataset[now];
  };
  const connected = (event) => {
    const newest = JSON.parse(event.data).last;
    if (newest < through) { through = -1; wanted = 0; }
    heard ??= newest;
    expect(newest, SOON);
  };
  const connect = () => {
    source?.close();
    source = new EventSource("/v1/stream");
    heard = null;
    source.onopen = () => state("live");
    source.onerror = () => {
      through = -1;
      state(navigator.onLine ? "reconnecting" : "offline");
      if (source.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(connect, 3000);
      }
    };
    source.addEventListener("connected", connected);
    for (const type of ["risk.changed", "order.opened", "order.closed", "exception.opened", "exception.resolved", "work.changed", "decision.expired"]) {
      source.addEventListener(type, hear);
    }
  };
  window.addEventListener("offline", () => state("offline"));
  window.addEventListener("online", connect);
  window.addEventListener("pagehide", () => { source?.close(); source = null; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); source = null; } else if (!source) connect();
  });
  setInterval(() => { if (!document.hidden) soon(SOON); }, MINUTE);
  connect();
})();
