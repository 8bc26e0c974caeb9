// The page is whole without this script. All texts are set as text.
'use strict';
const root = document.documentElement, tools = document.getElementById('tools');
const make = (tag, props, parent) => parent.appendChild(Object.assign(document.createElement(tag), props));
const button = (textContent, onclick, parent) => make('button', { textContent, onclick }, parent);

// The record.
const block = document.getElementById('wpsbench-run');
const packed = () => new Blob([Uint8Array.from(atob(block.textContent), c => c.charCodeAt(0))]);
const text = () => new Response(packed().stream().pipeThrough(new DecompressionStream('gzip'))).text();
let parsed;
const record = () => parsed ??= text().then(JSON.parse);

button('Light / dark', () => {
	const { theme } = root.dataset, dark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
	root.dataset.theme = dark ? 'light' : 'dark';
}, tools);

document.querySelectorAll('table.sortable').forEach(sortable);
if (block && 'DecompressionStream' in window) {
	button('Save JSON', async () => {
		const href = URL.createObjectURL(new Blob([await text()]));
		make('a', { href, download: 'run.json' }, document.body).click();
	}, tools);
	charts();
}

// data-v: what a cell sorts by, if not its text.
function sortable(table) {
	const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
	const key = (row, i) => row.cells[i].dataset.v ?? row.cells[i].textContent;
	const compare = (a, b) => a && b && !isNaN(a) && !isNaN(b) ? a - b : a.localeCompare(b, 'en', { numeric: true });
	heads.forEach((th, i) => {
		const name = th.textContent;
		th.textContent = '';
		button(name, () => {
			const down = th.ariaSort === 'ascending';
			heads.forEach(h => h.ariaSort = null);
			th.ariaSort = down ? 'descending' : 'ascending';
			body.append(...[...body.rows].sort((a, b) => compare(key(a, i), key(b, i)) * (down ? -1 : 1)));
		}, th);
	});
}

// One cursor and zoom for all charts, by pointer or keys.
function charts() {
	const left = 64, right = 1036, width = 1120; // of the drawing
	const live = make('p', { className: 'live', ariaLive: 'polite' }, document.body);
	const set = (el, all) => (Object.entries(all).forEach(a => el.setAttribute(...a)), el);
	const draw = (name, all, parent) => parent.appendChild(set(document.createElementNS(parent.namespaceURI, name), all));
	const all = [...document.querySelectorAll('figure[data-columns]')].map(figure => {
		const svg = figure.querySelector('svg'), height = svg.viewBox.baseVal.height - 20;
		return {
			figure, svg, height,
			line: draw('path', { class: 's ink', d: `M0 0v${height}` }, svg),
			picked: draw('path', { class: 'f c1', 'fill-opacity': 0.2 }, svg),
			reading: make('span', { className: 'reading' }, figure.querySelector('figcaption')),
			columns: figure.dataset.columns.split(';').map(c => c.split('|')),
		};
	});
	if (!all.length) return;
	const whole = all[0].figure.dataset.x.split(' ').map(Number);
	let [x0, x1] = whole; // the time seen
	let at = -1, from = null; // interval at the cursor, start of a drag
	const x = t => left + (t - x0) / (x1 - x0) * (right - left);
	const shown = x => x < left || x > right ? 'hidden' : 'visible';
	const reset = button('Reset zoom', () => zoom(...whole), tools);
	reset.hidden = true;

	function zoom(t0, t1) {
		[x0, x1] = [t0, t1];
		const scale = (whole[1] - whole[0]) / (x1 - x0), shift = x(whole[0]) - left * scale;
		reset.hidden = scale === 1;
		const step = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 14400].find(s => (x1 - x0) / s <= 16);
		for (const { svg, height } of all) {
			const axis = svg.querySelector('.x');
			for (const z of svg.querySelectorAll('.z')) set(z, { transform: `matrix(${scale} 0 0 1 ${shift} 0)` });
			for (const el of svg.querySelectorAll('[data-x]')) {
				const old = +el.dataset.x, now = old * scale + shift;
				set(el, { transform: `translate(${now - old})`, visibility: shown(now) });
			}
			axis.replaceChildren();
			for (let t = Math.ceil(x0 / step) * step; t <= x1; t += step) {
				draw('text', { class: 'f mut', x: x(t), y: height + 16, 'text-anchor': 'middle' }, axis).textContent =
					t < 600 ? +t.toFixed(1) + ' s' : new Date(t * 1000).toISOString().slice(t < 3600 ? 14 : 11, 19);
			}
		}
		hide();
	}

	const count = v => Math.round(v).toLocaleString('fr'); // U+202F between groups
	const write = {
		count, rate: v => count(v) + '/s', pct: v => (v * 100).toFixed(1) + ' %', us: v => v < 999.5 ? count(v) + ' µs' :
			v < 999500 ? (v / 1e3).toFixed(v < 99950 ? 1 : 0) + ' ms' : (v / 1e6).toFixed(v < 9.995e6 ? 2 : 1) + ' s',
	};

	// Foreign: cut, and without what does not print.
	const plain = s => s.slice(0, 60).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');

	function where(run, t) {
		const phase = run.phases.find(p => t >= p.start_s && t < p.end_s);
		const hit = run.incidents.findLast(i => t >= i.start_s && t <= (i.end_s ?? t));
		return [t.toFixed(0) + ' s', phase && plain(phase.name), hit && `${plain(hit.id)} + ${Math.round(t - hit.start_s)} s`].filter(s => s).join(', ');
	}

	// What a heatmap holds y units down; its plot begins 20 down.
	function cell({ figure, height }, { cells, rows_per_octave }, y) {
		const [low, end] = figure.dataset.cells.split(' '), row = Math.floor(end - (y - 20) / (height - 20) * (end - low));
		const here = cells.flatMap(([t, r, ...counts]) => t === at ? counts.map((n, i) => [r + i, n]) : []), sum = list => list.reduce((n, c) => n + c[1], 0);
		const n = sum(here.filter(c => c[0] === row)), edge = r => write.us(2 ** (r / rows_per_octave));
		return ` · ${edge(row)} to ${edge(row + 1)}: ${count(n)}, ${write.pct(n / (sum(here) || 1))}`;
	}

	// y: of a pointer in chart c; without it the reading is spoken.
	function show(run, index, c, y) {
		const { heatmap, columns: values, interval_s } = run.series, times = values.t_s;
		at = Math.max(0, Math.min(times.length - 1, index));
		const place = where(run, times[at]), now = x(times[at] + interval_s / 2);
		for (const { line, reading, columns } of all) {
			set(line, { transform: `translate(${now})`, visibility: shown(now) });
			reading.textContent = place + ': ' + columns.map(([key, name, kind]) =>
				name + ' ' + (values[key][at] === null ? '–' : write[kind](values[key][at]))).join(' · ');
		}
		if (!y) live.textContent = c.reading.textContent;
		else if (c.figure.dataset.cells) c.reading.textContent += cell(c, heatmap, y);
	}

	function hide() {
		at = -1;
		for (const { line, reading } of all) {
			set(line, { visibility: 'hidden' });
			reading.textContent = '';
		}
	}

	for (const c of all) {
		const on = (name, f) => c.svg.addEventListener(name, f);
		const box = () => c.svg.getBoundingClientRect(), units = v => v / box().width * width;
		const time = event => Math.max(x0, Math.min(x1, x0 + (units(event.clientX - box().left) - left) / (right - left) * (x1 - x0)));
		on('pointermove', async event => {
			const t = time(event), run = await record();
			if (from !== null) set(c.picked, { d: `M${x(from)} 0V${c.height}H${x(t)}V0z` });
			show(run, run.series.columns.t_s.findLastIndex(s => s <= t), c, units(event.clientY - box().top));
		});
		on('pointerdown', event => {
			if (event.pointerType === 'touch' || event.target.closest('a')) return; // a finger scrolls
			from = time(event);
			c.svg.setPointerCapture(event.pointerId);
		});
		on('pointerup', event => {
			const to = time(event);
			if (from !== null && Math.abs(x(to) - x(from)) > 8) zoom(...[from, to].sort((a, b) => a - b));
			from = null;
			set(c.picked, { d: '' });
		});
		on('dblclick', () => zoom(...whole));
		on('pointerleave', hide);
		c.figure.addEventListener('keydown', async event => {
			const { key } = event, step = event.shiftKey ? 10 : 1;
			if (event.target !== c.figure) return;
			const to = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: 1e9 }[key];
			if (key === 'Escape') zoom(...whole);
			if (to === undefined) return;
			event.preventDefault();
			show(await record(), to, c);
		});
	}
	hide();
}
