// The page is whole without this script. It adds a theme button, "Save JSON",
// sortable tables and a cursor over the charts. All texts are set as text.
'use strict';
(() => {
  const root = document.documentElement;
  const tools = document.getElementById('tools');
  const make = (tag, props, parent) => parent.appendChild(Object.assign(document.createElement(tag), props));

  // The record lies in the page, packed; it is unpacked when first needed.
  const block = document.getElementById('wpsbench-run');
  let unpacked;
  const text = () => unpacked ??= (() => {
    const bytes = Uint8Array.from(atob(block.textContent.trim()), c => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  })();
  let parsed;
  const record = () => parsed ??= text().then(JSON.parse);

  // Theme: the reader's choice overrides the system's.
  make('button', { type: 'button', textContent: 'Light / dark', onclick() {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  } }, tools);

  if (block && 'DecompressionStream' in window) {
    make('button', { type: 'button', textContent: 'Save JSON', async onclick() {
      const url = URL.createObjectURL(new Blob([await text()], { type: 'application/json' }));
      make('a', { href: url, download: 'run.json', hidden: true }, document.body).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    } }, tools);
    charts();
  }
  document.querySelectorAll('table.sortable').forEach(sortable);

  // Headers become buttons; data-v holds what a cell sorts by where its text does not do.
  function sortable(table) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    const key = (row, i) => row.cells[i].dataset.v ?? row.cells[i].textContent;
    const compare = (a, b) => {
      const x = Number(a), y = Number(b);
      return a !== '' && b !== '' && !isNaN(x) && !isNaN(y) ? x - y : String(a).localeCompare(String(b), 'en', { numeric: true });
    };
    heads.forEach((th, i) => {
      const name = th.textContent;
      th.textContent = '';
      make('button', { type: 'button', textContent: name, onclick() {
        const down = th.getAttribute('aria-sort') === 'ascending';
        heads.forEach(h => h.removeAttribute('aria-sort'));
        th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const rows = [...body.rows].sort((a, b) => compare(key(a, i), key(b, i)) * (down ? -1 : 1));
        body.append(...rows);
      } }, th);
    });
  }

  // Quantities, as the rest of the page writes them.
  function micros(v) {
    if (v < 999.5) return Math.round(v) + ' µs';
    if (v < 99950) return (v / 1e3).toFixed(1) + ' ms';
    if (v < 999500) return (v / 1e3).toFixed(0) + ' ms';
    return (v / 1e6).toFixed(v < 9.995e6 ? 2 : 1) + ' s';
  }
  const count = v => Math.round(v).toLocaleString('en').replaceAll(',', '\u202f');
  const write = { us: micros, count, rate: v => count(v) + '/s' };

  // One cursor over all charts of the timeline: pointer, or arrow keys on a chart.
  function charts() {
    const left = 64, right = 1036, width = 1120; // the plot, in units of the drawing
    const live = make('p', { className: 'live' }, document.body);
    live.setAttribute('aria-live', 'polite');
    const all = [...document.querySelectorAll('figure[data-columns]')].map(figure => {
      const svg = figure.querySelector('.draw svg');
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
      line.setAttribute('class', 's ink');
      line.setAttribute('y1', 0);
      line.setAttribute('y2', svg.viewBox.baseVal.height - 20);
      line.setAttribute('visibility', 'hidden');
      svg.append(line);
      return {
        figure, svg, line,
        reading: make('span', { className: 'reading' }, figure.querySelector('figcaption')),
        columns: figure.dataset.columns.split(';').map(c => c.split('|')),
        x0: Number(figure.dataset.x0), x1: Number(figure.dataset.x1),
      };
    });
    let at = -1;

    // Names are foreign: cut, and what does not print becomes an escape, as elsewhere.
    const plain = s => s.slice(0, 60).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, c => '\\u' + c.codePointAt(0).toString(16).padStart(4, '0'));

    function where(run, t) {
      const phase = run.phases.find(p => t >= p.start_s && t < p.end_s);
      const incident = run.incidents.filter(i => t >= i.start_s && !(t > i.end_s && i.end_s !== null)).pop();
      return t.toFixed(0) + ' s' + (phase ? ', ' + plain(phase.name) : '') +
        (incident ? ', ' + plain(incident.id) + ' + ' + (t - incident.start_s).toFixed(0) + ' s' : '');
    }

    function show(run, index, spoken) {
      const times = run.series.columns.t_s;
      at = Math.max(0, Math.min(times.length - 1, index));
      const t = times[at], place = where(run, t);
      for (const c of all) {
        const x = left + (t + run.series.interval_s / 2 - c.x0) / (c.x1 - c.x0) * (right - left);
        c.line.setAttribute('x1', x);
        c.line.setAttribute('x2', x);
        c.line.setAttribute('visibility', 'visible');
        const values = c.columns.filter(([key]) => run.series.columns[key]).map(([key, name, kind]) => {
          const v = run.series.columns[key][at];
          return name + ' ' + (v === null || v === undefined ? '–' : write[kind](v));
        });
        c.reading.textContent = place + ': ' + values.join(' · ');
        if (c === spoken) live.textContent = c.reading.textContent;
      }
    }

    function hide() {
      at = -1;
      for (const c of all) {
        c.line.setAttribute('visibility', 'hidden');
        c.reading.textContent = '';
      }
    }

    for (const c of all) {
      c.svg.addEventListener('pointermove', async event => {
        const box = c.svg.getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width * width;
        if (x < left || x > right) return;
        const run = await record();
        const t = c.x0 + (x - left) / (right - left) * (c.x1 - c.x0);
        let index = run.series.columns.t_s.findIndex(s => s > t) - 1;
        if (index < -1) index = run.series.columns.t_s.length - 1;
        show(run, index);
      });
      c.svg.addEventListener('pointerleave', hide);
      c.figure.addEventListener('keydown', async event => {
        if (event.target !== c.figure) return;
        const step = event.shiftKey ? 10 : 1;
        const to = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: Infinity }[event.key];
        if (event.key === 'Escape') hide();
        if (to === undefined) return;
        event.preventDefault();
        show(await record(), to, c);
      });
    }
  }
})();
