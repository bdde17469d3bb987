'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const byId = (id) => document.getElementById(id);
  const canvas = byId('canvas'), view = byId('view'), about = byId('about'), search = byId('search');
  const pages = [...view.querySelectorAll(':scope > .page')];
  const pieces = new Map([...view.querySelectorAll(':scope > .piece')].map((piece) => [piece.dataset.piece, piece]));
  const GAP = 14, TOP = 96, MARGIN = 30, CLOSEST = 6, FARTHEST = 0.03, LEGIBLE = 0.25, READABLE = 0.4;
  const insets = new Set(data.insets.map((inset) => inset.id));
  let page = 0, place = { x: 0, y: 0, k: 1 }, size = { width: 1, height: 1 }, chosen = null, current = null;

  // ---- What is open, and where it stands -------------------------------------------------------------------------

  const isShown = (element) => !element.closest('.page,.piece').hasAttribute('hidden');
  const things = () => [...view.querySelectorAll('[role=button]')].filter(isShown);
  const show = (element, shown) => (shown ? element.removeAttribute('hidden') : element.setAttribute('hidden', ''));
  const say = (text) => { byId('said').textContent = text; };

  function arrange() {
    pages.forEach((element, index) => show(element, index === page));
    const { width, height } = data.pages[page];
    const beside = [...data.insets.filter((inset) => insets.has(inset.id)), ...data.rest.filter((each) => each.id !== 'foot')];
    for (const each of data.insets) show(pieces.get(each.id), insets.has(each.id));
    const lowest = Math.max(height - TOP - MARGIN, ...beside.map((each) => each.height));
    const ways = [1, 1.2, 1.4, 1.7, 2, 2.5, 3, 4].map((times) => columns(beside, width, height, lowest * times));
    const best = ways.reduce((one, other) => (share(other) > share(one) * 1.05 ? other : one));
    for (const [id, x, y] of best.places) pieces.get(id).setAttribute('transform', `translate(${x} ${y})`);
    let { right, bottom } = best;
    const foot = data.rest.find((each) => each.id === 'foot');
    if (foot) {
      pieces.get('foot').setAttribute('transform', `translate(${MARGIN} ${bottom})`);
      right = Math.max(right, foot.width + 2 * MARGIN);
      bottom += foot.height + MARGIN;
    }
    size = { width: right, height: bottom };
    for (const node of view.querySelectorAll('[data-zoom]')) node.setAttribute('aria-expanded', insets.has(node.dataset.zoom));
    const shown = things();
    if (!shown.includes(current)) makeCurrent(shown[0] || null);
    find();
  }

  // Panels in columns of at most a height, beside the page.
  function columns(beside, width, height, tallest) {
    const places = [];
    let x = width, y = TOP, widest = 0, right = width, bottom = height;
    for (const each of beside) {
      if (y > TOP && y + each.height > TOP + tallest) { x += widest + GAP; y = TOP; widest = 0; }
      places.push([each.id, x, y]);
      widest = Math.max(widest, each.width);
      right = Math.max(right, x + each.width + MARGIN);
      bottom = Math.max(bottom, y + each.height + MARGIN);
      y += each.height + GAP;
    }
    return { places, right, bottom };
  }

  // At first as many panels of layers are open as leave the whole large enough to be read, or else as few as there can be.
  function open() {
    const most = data.pages.map((each, index) => index).sort((a, b) => data.pages[b].open.length - data.pages[a].open.length);
    const frame = boxOf(canvas);
    for (const index of most) {
      page = index;
      arrange();
      if (Math.min(frame.width / size.width, frame.height / size.height) >= READABLE) return;
    }
  }

  // How large a drawing can be shown whole.
  function share({ right, bottom }) {
    const frame = boxOf(canvas), foot = data.rest.find((each) => each.id === 'foot');
    const low = foot ? foot.height + MARGIN : 0, wide = foot ? foot.width + 2 * MARGIN : 0;
    return Math.min(frame.width / Math.max(right, wide), frame.height / (bottom + low));
  }

  function pageWith(open) {
    return data.pages.findIndex((each) => each.open.length === open.size && each.open.every((id) => open.has(id)));
  }

  function togglePanel(id) {
    const open = new Set(data.pages[page].open), opening = !open.has(id);
    if (opening) open.add(id); else open.delete(id);
    let next = pageWith(open);
    if (next < 0) next = pageWith(new Set(opening ? [id] : []));
    const before = boxOf(view.querySelector(`.page:not([hidden]) [data-panel="${CSS.escape(id)}"]`));
    page = next;
    arrange();
    const panel = pages[page].querySelector(`[data-panel="${CSS.escape(id)}"]`);
    const after = boxOf(panel); // what was clicked stays where it is
    place.x += before.left - after.left;
    place.y += before.bottom - after.bottom;
    move();
    focus(panel);
    say(`${data.panels[id]} ${opening ? 'expanded' : 'collapsed'}`);
  }

  function toggleInset(id, opening = !insets.has(id)) {
    if (opening) insets.add(id); else insets.delete(id);
    arrange();
    const inset = data.insets.find((each) => each.id === id);
    say(`${inset.title} ${opening ? 'expanded' : 'collapsed'}`);
    if (opening) bringIntoView(pieces.get(id));
  }

  function all(opening) {
    page = pageWith(new Set(opening ? Object.keys(data.panels) : []));
    for (const inset of data.insets) if (opening) insets.add(inset.id); else insets.delete(inset.id);
    arrange();
    fit();
    say(opening ? 'Everything is expanded' : 'Everything is collapsed');
  }

  // ---- Pan and zoom ----------------------------------------------------------------------------------------------

  const boxOf = (element) => element.getBoundingClientRect();
  function move() { view.setAttribute('transform', `translate(${place.x} ${place.y}) scale(${place.k})`); }

  // All of it, or, where no word could be read so, its upper end as wide as there is room.
  function fit() {
    const { width, height } = boxOf(canvas), whole = Math.min(2, width / size.width, height / size.height);
    place.k = Math.max(FARTHEST, whole < LEGIBLE ? Math.min(1, width / size.width) : whole);
    place.x = (width - size.width * place.k) / 2;
    place.y = Math.max((height - size.height * place.k) / 2, 0);
    move();
  }

  function zoom(factor, x, y) {
    const frame = boxOf(canvas);
    const px = x === undefined ? frame.width / 2 : x - frame.left, py = y === undefined ? frame.height / 2 : y - frame.top;
    const k = Math.min(CLOSEST, Math.max(FARTHEST, place.k * factor));
    place.x = px - (px - place.x) * (k / place.k);
    place.y = py - (py - place.y) * (k / place.k);
    place.k = k;
    move();
  }

  function bringIntoView(element, closer) {
    if (closer && place.k < 0.6) zoom(0.6 / place.k);
    const box = boxOf(element), frame = boxOf(canvas), edge = 24;
    const aside = (from, to, low, high) => (to - from > high - low - 2 * edge || from < low + edge ? low + edge - from : to > high - edge ? high - edge - to : 0);
    place.x += aside(box.left, box.right, frame.left, frame.right);
    place.y += aside(box.top, box.bottom, frame.top, frame.bottom);
    move();
  }

  const fingers = new Map();
  let dragged = 0;
  canvas.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, event);
    if (fingers.size === 1) dragged = 0;
  });
  canvas.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const others = [...fingers.values()].filter((each) => each.pointerId !== event.pointerId);
    const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    dragged += Math.abs(dx) + Math.abs(dy);
    if (others.length) {
      const [other] = others, far = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
      zoom(far(event) / Math.max(far(before), 1), other.clientX, other.clientY);
    } else if (dragged > 4) {
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add('moving');
      place.x += dx;
      place.y += dy;
      move();
    }
    fingers.set(event.pointerId, event);
  });
  for (const name of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(name, (event) => { fingers.delete(event.pointerId); canvas.classList.remove('moving'); });
  }
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : event.ctrlKey ? 0.01 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });

  // ---- What is known of a box ------------------------------------------------------------------------------------

  function labelOf(thing) { return data.titles[thing.dataset.n] || data.panels[thing.dataset.panel] || thing.getAttribute('aria-label'); }
  function rowsOf(thing) {
    if (thing.dataset.n !== undefined) return data.details[thing.dataset.n];
    return thing.dataset.panel ? [['', thing.getAttribute('aria-expanded') === 'true' ? 'Enter collapses it' : 'Enter expands it']] : [];
  }

  function tell(thing) {
    if (!thing) { about.hidden = true; return; }
    byId('what').textContent = labelOf(thing);
    const list = byId('rows');
    list.replaceChildren();
    for (const [label, value] of rowsOf(thing)) {
      const term = document.createElement('dt'), text = document.createElement('dd');
      term.textContent = label || 'Note';
      term.className = label ? '' : 'quiet';
      text.textContent = value;
      text.className = { Source: 'code', 'In the code': 'code', '': 'plain' }[label] || '';
      list.append(term, text);
    }
    about.hidden = false;
    for (const piece of pieces.values()) piece.classList.toggle('lit', piece.dataset.piece === thing.dataset.zoom);
  }

  function choose(thing) {
    if (chosen) chosen.classList.remove('chosen');
    chosen = thing;
    if (chosen) chosen.classList.add('chosen');
    tell(chosen);
  }

  // ---- Keyboard: one stop for the whole figure, arrows inside of it -------------------------------------------------

  function makeCurrent(thing) {
    if (current) current.setAttribute('tabindex', '-1');
    current = thing;
    if (current) current.setAttribute('tabindex', '0');
  }

  function focus(thing) {
    makeCurrent(thing);
    if (thing) thing.focus({ preventScroll: true });
  }

  function neighbour(thing, up) {
    const at = boxOf(thing), x = (at.left + at.right) / 2;
    let best = null, least = Infinity;
    for (const other of things()) {
      const box = boxOf(other), away = up ? at.top - box.bottom : box.top - at.bottom;
      const cost = away + 2 * Math.abs((box.left + box.right) / 2 - x);
      if (other !== thing && away > -2 && cost < least) { best = other; least = cost; }
    }
    return best;
  }

  function activate(thing) {
    if (thing.dataset.panel) { togglePanel(thing.dataset.panel); return; }
    if (thing.dataset.shut) {
      const owner = things().find((each) => each.dataset.zoom === thing.dataset.shut);
      toggleInset(thing.dataset.shut, false);
      if (owner) focus(owner);
      return;
    }
    choose(thing);
    if (thing.dataset.zoom) toggleInset(thing.dataset.zoom);
  }

  canvas.addEventListener('keydown', (event) => {
    const thing = event.target.closest('[role=button]');
    if (!thing) return;
    const shown = things(), at = shown.indexOf(thing);
    const to = {
      ArrowRight: () => shown[at + 1], ArrowLeft: () => shown[at - 1], Home: () => shown[0], End: () => shown.at(-1),
      ArrowUp: () => neighbour(thing, true), ArrowDown: () => neighbour(thing, false),
    }[event.key];
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); activate(thing); }
    if (!to) return;
    event.preventDefault();
    const next = to();
    if (next) { focus(next); bringIntoView(next); }
  });
  document.addEventListener('keydown', (event) => {
    if (event.target === search || event.altKey || event.ctrlKey || event.metaKey) return;
    const action = { '+': () => zoom(1.25), '=': () => zoom(1.25), '-': () => zoom(0.8), 0: fit, '/': () => search.focus(), Escape: () => choose(null) }[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  canvas.addEventListener('focusin', (event) => {
    const thing = event.target.closest('[role=button]');
    if (!thing) return;
    makeCurrent(thing);
    tell(thing);
    say(rowsOf(thing).map(([label, value]) => `${label} ${value}`.trim()).join('. '));
  });
  canvas.addEventListener('click', (event) => {
    if (dragged > 4) return;
    const thing = event.target.closest('[role=button]');
    if (!thing) { choose(null); return; }
    focus(thing);
    activate(thing);
  });
  canvas.addEventListener('pointerover', (event) => {
    const thing = event.target.closest('[role=button]');
    if (fingers.size === 0) tell(thing || chosen);
  });

  // ---- Search ----------------------------------------------------------------------------------------------------

  let hits = [];
  function find() {
    const wanted = search.value.trim().toLowerCase();
    const matches = (thing) => [labelOf(thing), ...rowsOf(thing).map((row) => row[1])].join('\n').toLowerCase().includes(wanted);
    hits = wanted ? things().filter((thing) => !thing.dataset.shut && matches(thing)) : [];
    for (const thing of view.querySelectorAll('.hit')) thing.classList.remove('hit');
    for (const thing of hits) thing.classList.add('hit');
    byId('found').textContent = !wanted ? '' : hits.length || data.pages.length === 1 ? `${hits.length} found` : '0 found; Enter opens all';
  }
  search.addEventListener('input', find);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') { search.value = ''; find(); return; }
    if (event.key !== 'Enter') return;
    if (!hits.length && search.value.trim()) all(true);
    if (!hits.length) return;
    const next = hits[(hits.indexOf(current) + 1) % hits.length];
    makeCurrent(next);
    choose(next);
    bringIntoView(next, true);
    say(`${labelOf(next)}, ${hits.indexOf(next) + 1} of ${hits.length}`);
  });

  // ---- Theme and export ------------------------------------------------------------------------------------------

  function theme(name) {
    document.documentElement.dataset.theme = name;
    byId('theme').setAttribute('aria-pressed', name === 'dark');
  }

  function asSvg() {
    const copy = canvas.cloneNode(true), root = copy.querySelector('#view');
    for (const element of copy.querySelectorAll('[hidden],.shut')) element.remove();
    for (const element of copy.querySelectorAll('[role]')) {
      for (const name of ['role', 'tabindex', 'aria-expanded', 'data-n', 'data-panel', 'data-zoom']) element.removeAttribute(name);
      element.classList.remove('hit', 'chosen');
    }
    root.removeAttribute('transform');
    const values = getComputedStyle(document.documentElement);
    const css = byId('figure-style').textContent.replace(/var\((--\w+)\)/g, (whole, name) => values.getPropertyValue(name).trim());
    const make = (name) => document.createElementNS('http://www.w3.org/2000/svg', name);
    const title = make('title'), style = make('style'), paper = make('rect');
    title.textContent = data.title;
    style.textContent = `${css}.paper{fill:${values.getPropertyValue('--page').trim()}}`;
    paper.setAttribute('width', '100%');
    paper.setAttribute('height', '100%');
    paper.setAttribute('class', 'paper');
    copy.prepend(title, style, paper);
    copy.setAttribute('role', 'img');
    copy.setAttribute('viewBox', `0 0 ${Math.ceil(size.width)} ${Math.ceil(size.height)}`);
    copy.setAttribute('width', Math.ceil(size.width));
    copy.setAttribute('height', Math.ceil(size.height));
    copy.setAttribute('font-family', "Inter, 'Helvetica Neue', Arial, sans-serif");
    return `${new XMLSerializer().serializeToString(copy)}\n`;
  }

  function save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([asSvg()], { type: 'image/svg+xml' }));
    link.download = `${data.file}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say('Saved as SVG');
  }

  const actions = {
    closer: () => zoom(1.25), farther: () => zoom(0.8), fit, expand: () => all(true), collapse: () => all(false), save,
    theme: () => theme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'),
    away: () => choose(null),
  };
  for (const [id, action] of Object.entries(actions)) byId(id)?.addEventListener('click', action);
  addEventListener('resize', fit);
  open();
  fit();
})();
