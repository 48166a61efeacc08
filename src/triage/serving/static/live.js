// The page follows what happens: it is asked for again, and only what differs is put in place.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const list = $("#list");
  const opened = $("[data-open-order]")?.dataset.openOrder;
  const told = $("[data-stream]");
  const MOST = 4, SOON = 60, APART = 550, LATER = 5000, GONE = 4000;

  // What the server last said of a row, before scripts and people touched it.
  const said = new WeakMap();
  const remember = (row) => said.set(row, row.outerHTML);
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");

  const tell = (row, words) => {
    row.querySelector(".tag-changed")?.remove();
    const tag = document.createElement("span");
    tag.className = "tag tag-changed";
    tag.textContent = words;
    const order = row.querySelector(".order");
    const beside = order.nextElementSibling?.matches(".tags") ? order.nextElementSibling : document.createElement("span");
    if (!beside.isConnected) { beside.className = "tags"; order.after(beside); }
    beside.prepend(tag);
    row.classList.add("changed");
    setTimeout(() => { tag.remove(); row.classList.remove("changed"); }, GONE);
  };
  const words = (before, now) => {
    if (!before) return list.dataset.new;
    const rise = Number(now.dataset.risk) - Number(before.dataset.risk);
    if (Math.abs(rise) >= 0.005) return rise > 0 ? list.dataset.up : list.dataset.down;
    const owner = now.querySelector(".c-owner .line")?.lastChild.textContent;
    if (owner && owner !== before.querySelector(".c-owner .line")?.lastChild.textContent) return `→ ${owner}`;
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
  const showList = (fresh, acted) => {
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

  const show = (text, acted) => {
    const fresh = parse(text);
    if (!list) return;
    if (!fresh.getElementById("list")) { if (acted) lost(); return; }
    showList(fresh, acted);
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
  document.addEventListener("triage:lost", lost);
  document.addEventListener("triage:page", (event) => show(event.detail.page, event.detail.acted));

  // The order page: the block of work is renewed, what is being typed stays.
  const showWork = (text) => {
    const fresh = parse(text).getElementById("work"), now = document.getElementById("work");
    if (!fresh || !now || fresh.outerHTML === now.outerHTML) return;
    const typed = Array.from(now.querySelectorAll("[id]:is(input, select, textarea)"), (each) => [each.id, each.value]);
    const focus = now.contains(document.activeElement) ? document.activeElement.id : null;
    now.replaceWith(document.importNode(fresh, true));
    for (const [id, value] of typed) {
      const field = document.getElementById(id);
      if (field && value) field.value = value;
    }
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    const after = $("#work [name=after]")?.value;
    for (const each of document.querySelectorAll(".message [name=after]")) each.value = after;
  };

  // Who else has the order open.
  const here = $("#here");
  if (here) {
    setInterval(async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(`/here?order=${encodeURIComponent(opened)}`);
        const text = answer.ok ? await answer.text() : "";
        if (here.textContent !== text) here.textContent = text;
      } catch { /* the stream says that we are offline */ }
    }, 15000);
  }

  // The server ranks anew at most twice a second: an answer that tells nothing new is asked for again,
  // up to four times, as a loaded machine may be slower.
  let due = null, last = 0, busy = false, again = false, before = "", alike = 0;
  const refresh = async () => {
    due = null;
    if (busy) { again = true; return; }
    busy = true;
    last = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { "X-Triage": "live" } });
      const text = await answer.text();
      if (opened) showWork(text);
      else if (answer.ok) show(text, false);
      alike = before === "" || text === before ? alike + 1 : 0;
      again ||= alike > 0 && alike < MOST;
      if (alike >= MOST) alike = 0;
      before = text;
    } catch { /* the stream says that we are offline */ }
    busy = false;
    if (again) { again = false; soon(APART); }
  };
  const soon = (wait) => {
    const at = Math.max(performance.now() + wait, last + APART);
    if (due !== null && due.at <= at) return;
    if (due !== null) clearTimeout(due.timer);
    due = { at, timer: setTimeout(refresh, at - performance.now()) };
  };

  const heard = (event) => {
    const facts = JSON.parse(event.data);
    if (opened) {
      if (facts.order_id === opened) soon(SOON);
      return;
    }
    if (!list) return;
    const shown = Array.from(document.querySelectorAll("#list .row")).some((row) => row.dataset.order === facts.order_id);
    const due = list.dataset.soon && event.type.startsWith(list.dataset.soon);
    soon(shown || due || event.type === "order.opened" || event.type === "work.changed" ? SOON : LATER);
  };

  bodies(document).forEach((body) => Array.from(body.rows, remember));

  // A list that is still being ranked is shown as soon as it stands.
  if ($("[data-again]")) {
    setInterval(async () => {
      const answer = await fetch(location.href).catch(() => null);
      if (answer?.ok) location.reload();
    }, 1000);
  }

  // The stream, and in words whether it is there.
  if (!told) return;
  let source = null, retry = null, was = "";
  const state = (now) => {
    told.hidden = false;
    if (now === was) return;
    told.dataset.state = now;
    told.firstElementChild.textContent = told.dataset[now];
    if (now === "live" && was) soon(SOON);
    was = now;
  };
  const connect = () => {
    source?.close();
    source = new EventSource("/v1/stream");
    source.onopen = () => state("live");
    source.onerror = () => {
      state(navigator.onLine ? "reconnecting" : "offline");
      if (source.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(connect, 3000);
      }
    };
    for (const type of ["risk.changed", "order.opened", "order.closed", "exception.opened", "exception.resolved", "work.changed"]) {
      source.addEventListener(type, heard);
    }
  };
  window.addEventListener("offline", () => state("offline"));
  window.addEventListener("online", connect);
  window.addEventListener("pagehide", () => source?.close());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); source = null; } else if (!source) connect();
  });
  connect();
})();
