// The HTML report of every golden record, as a reader's browser shows it.
import { before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { screenshot, useBrowser } from "./browser.mjs";

const binary = process.env.WPSBENCH ?? "wpsbench";
const testdata = new URL("../testdata/", import.meta.url).pathname;
const runs = readdirSync(testdata).filter((file) => file.endsWith(".json")).map((file) => basename(file, ".json"));
const names = [...runs, "comparison"];
const open = useBrowser();

// The goldens leave out style, script and record, so the pages are rendered again.
const dir = mkdtempSync(join(tmpdir(), "wpsbench-report-"));
process.on("exit", () => rmSync(dir, { recursive: true }));
const file = (name) => join(dir, `${name}.html`);
const address = (name) => pathToFileURL(file(name)).href;
before(() => {
  for (const name of runs) {
    execFileSync(binary, ["report", join(testdata, `${name}.json`), "--out", `html=${file(name)}`], { stdio: ["ignore", "ignore", "inherit"] });
  }
  const { status, stderr } = spawnSync(binary, ["compare", side("main", 0, 1), side("pr-218", 1, 1.16), "--noise", side("main", 0, 1), "--out", `html=${file("comparison")}`], { cwd: dir, encoding: "utf8" });
  assert.equal(status, 10, stderr);
});

// side makes six repetitions of the passed run, two minutes apart, its p99 changed. Their
// folder's name, not where it lies, is what the page calls them.
function side(name, minute, factor) {
  for (const i of [0, 1, 2, 3, 4, 5]) {
    const run = JSON.parse(readFileSync(join(testdata, "passed.json"), "utf8"));
    const noise = 1 + [0.01, -0.012, 0.004, 0.009, -0.006, -0.005][(i + minute) % 6];
    run.run.started_at = new Date(Date.parse(run.run.started_at) + (minute + 2 * i) * 60_000).toISOString();
    const e2e = run.metrics.e2e_latency;
    e2e.percentiles.p99 = Math.round(e2e.percentiles.p99 * factor * noise);
    run.series.columns.e2e_p99_us = run.series.columns.e2e_p99_us.map((us) => us && Math.round(us * factor * noise));
    if (i % 2 === minute) e2e.histogram = run.metrics.e2e_service.histogram;
    mkdirSync(join(dir, name, String(i)), { recursive: true });
    writeFileSync(join(dir, name, String(i), "run.json"), JSON.stringify(run));
  }
  return name;
}

// show opens the page of a golden and notes what it asks for.
async function show(name, options) {
  const page = await open(options);
  page.asked = [];
  page.on("request", (request) => page.asked.push(request.url()));
  await page.goto(address(name));
  return page;
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const name of names) {
  test(name, { concurrency: true }, async (t) => {
    await t.test("with style and script", async (t) => {
      const page = await show(name);
      for (const colorScheme of ["light", "dark"]) {
        await t.test(`${colorScheme}: nothing stands in anybody's way`, async () => {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await obstacles(page), []);
        });
      }
      await t.test("the first screen holds verdict and key figures", async () => {
        const box = await page.locator("#figures").boundingBox();
        assert.ok(name === "hostile" || box.y + box.height <= 800, `they end ${box.y + box.height} px down`);
      });
      await t.test("a tablet, 768 px wide: every chart is seen whole", async () => {
        await page.setViewportSize({ width: 768, height: 1024 });
        assert.ok(await overflow(page) <= 0, "the page is wider than the screen");
        const cut = await page.locator(".draw").evaluateAll((all) => all.filter((d) => d.scrollWidth > d.clientWidth).map((d) => d.parentElement.id));
        assert.deepEqual(cut, []);
      });
      await t.test("a telephone, 390 px wide", async () => {
        await page.setViewportSize({ width: 390, height: 844 });
        assert.ok(await overflow(page) <= 0, "the page is wider than the screen");
        const verdict = await page.locator("#verdict").boundingBox();
        assert.ok(verdict.y < 844, `the verdict starts ${verdict.y} px down`);
        const apart = await page.locator(":is(th, td):has(> .icon + span)").evaluateAll((cells) => cells.filter((cell) => {
          const [mark, word] = [...cell.children].map((child) => child.getBoundingClientRect());
          return word.top >= mark.bottom;
        }).map((cell) => cell.textContent));
        assert.deepEqual(apart, [], "a mark stands on another line than its word");
      });
      const most = name === "comparison" ? 9 : 8; // the comparison takes one of its own
      await t.test(`paper: light, without an image, at most ${most} sheets`, async () => {
        const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
        assert.equal(images(pdf), 0, "something was printed as an image");
        const sheets = pdf.match(/\/Type\s*\/Page\b/g).length;
        assert.ok(sheets <= most, `${sheets} sheets of paper`);
        await page.emulateMedia({ media: "print", colorScheme: "dark" });
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
        await page.emulateMedia({ media: "screen", colorScheme: "light" });
      });
      await t.test("it says the same without script, and asks nobody", async () => {
        const plain = await show(name, { javaScriptEnabled: false });
        const text = async (p) => (await p.locator("main").innerText()).replace(/\s+/g, " ");
        assert.equal(await text(plain), await text(page));
        assert.equal(await plain.locator("button").count(), 0, "a control that needs the script");
        for (const p of [plain, page]) {
          assert.deepEqual(p.asked, [address(name)]);
          assert.deepEqual(p.complaints, []);
        }
        await plain.context().close();
      });
      await page.context().close();
    });

    await t.test("without style", async () => {
      const page = await open({ javaScriptEnabled: false });
      await page.setContent(readFileSync(file(name), "utf8").replace(/<style>.*?<\/style>/s, ""));
      assert.ok(await page.locator("#verdict h2").isVisible());
      const bare = await page.locator("svg :is(path, rect, text, use):not(clipPath *, symbol *)").evaluateAll((marks) => marks.filter((mark) => {
        const { fill, stroke, color } = getComputedStyle(mark);
        if (mark.localName === "use") return color === "rgb(0, 0, 0)"; // of an icon
        return mark.closest(mark.classList.contains("s") ? "[stroke]" : "[fill]") === null || (fill === "rgb(0, 0, 0)" && stroke === "none");
      }).length);
      assert.equal(bare, 0, "marks that have their colour from the style alone");
      await page.context().close();
    });
  });
}

// obstacles asks axe-core what keeps people from reading the page.
async function obstacles(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.slice(0, 3).map((n) => `${n.html}\n  ${n.failureSummary}`).join("\n  ")}`);
}

const images = (pdf) => (pdf.match(/\/Subtype\s*\/Image\b/g) ?? []).length;

test("a printed image would be noticed", async () => {
  const page = await open();
  await page.setContent('<img width=9 height=9 src="data:image/gif;base64,R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=">');
  assert.ok(images((await page.pdf()).toString("latin1")) > 0);
});

// The pictures in the README. SCREENSHOTS=results/sample make browser-check renews them.
test("pictures of the sample run", async () => {
  for (const [name, colorScheme, place] of [["report", "light", ""], ["report-dark", "dark", "#timeline"]]) {
    const page = await open({ colorScheme, viewport: { width: 1240, height: 860 } });
    await page.goto(new URL(`../../results/sample/report.html${place}`, import.meta.url).href);
    await screenshot(page, name);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});

describe("charts", { concurrency: true }, () => {
  const readings = (page) => page.locator("#timeline .reading").allInnerTexts();
  const transforms = (page) => page.locator("#timeline .z").evaluateAll((all) => [...new Set(all.map((z) => z.getAttribute("transform")))]);
  // A point of a chart, at a share of the width of its plot.
  const point = async (page, id, share) => {
    const box = await page.locator(`#${id} svg`).boundingBox();
    return [box.x + (64 + share * (1036 - 64)) / 1120 * box.width, box.y + box.height / 2];
  };

  test("hover: one cursor, every chart says what it shows there", async () => {
    const page = await show("passed");
    await page.locator("#lat").scrollIntoViewIfNeeded();
    await page.mouse.move(...await point(page, "lat", 30.5 / 75));
    await page.locator("#lat .reading", { hasText: "30 s" }).waitFor();
    const { columns } = JSON.parse(readFileSync(join(testdata, "passed.json"), "utf8")).series;
    assert.equal(columns.t_s[30], 30);
    const ms = (us) => us < 99950 ? `${(us / 1e3).toFixed(1)} ms` : `${(us / 1e3).toFixed(0)} ms`;
    const all = await readings(page);
    assert.ok(all.every((text) => text.startsWith("30 s, steady, F1 + 1 s: ")), all.join("\n"));
    assert.ok(all[1].endsWith(`p50 ${ms(columns.e2e_p50_us[30])} · p90 ${ms(columns.e2e_p90_us[30])} · p99 ${ms(columns.e2e_p99_us[30])} · p99.9 ${ms(columns.e2e_p99_9_us[30])}`), all[1]);
    const lines = await page.locator("#timeline svg > path.ink").evaluateAll((lines) => lines.map((l) => l.getAttribute("transform") + l.getAttribute("visibility")));
    assert.equal(lines.length, all.length);
    assert.equal(new Set(lines).size, 1, "the cursors stand at different times");
    assert.match(lines[0], /visible$/);
    await page.mouse.move(2, 2);
    assert.ok((await readings(page)).every((text) => text === ""));
  });

  test("hover: the heatmap tells the cell under the pointer", async () => {
    const page = await show("passed");
    const { heatmap } = JSON.parse(readFileSync(join(testdata, "passed.json"), "utf8")).series;
    const cells = heatmap.cells.flatMap(([column, first, ...counts]) => counts.map((count, i) => [column, first + i, count]));
    const here = cells.filter(([column]) => column === 20);
    const most = here.reduce((a, b) => b[2] > a[2] ? b : a);
    const rows = cells.map(([, row]) => row), low = Math.min(...rows), high = Math.max(...rows) + 1;
    await page.locator("#heat").scrollIntoViewIfNeeded();
    const box = await page.locator("#heat svg").boundingBox();
    const [x] = await point(page, "heat", 20.5 / 75);
    await page.mouse.move(x, box.y + (20 + 150 * (high - most[1] - 0.5) / (high - low)) / 1120 * box.width);
    const share = most[2] / here.reduce((sum, cell) => sum + cell[2], 0) * 100;
    const ms = (row) => `${(2 ** (row / heatmap.rows_per_octave) / 1e3).toFixed(1)} ms`;
    await page.locator("#heat .reading", { hasText: ` · ${ms(most[1])} to ${ms(most[1] + 1)}: ${most[2].toLocaleString("en").replace(",", "\u202f")}, ${share.toFixed(1)} %` }).waitFor();
  });

  test("keys: the reading is spoken", async () => {
    const page = await show("passed");
    const spoken = async (key, want) => {
      await page.keyboard.press(key);
      await page.locator("[aria-live=polite]", { hasText: want }).waitFor({ state: "attached" });
    };
    await page.locator("#lat").focus();
    await spoken("Home", /^0 s, connect: p50 –/);
    await spoken("Shift+ArrowRight", /^10 s, steady: p50 [\d.]+ ms/);
    await spoken("ArrowLeft", /^9 s, /);
    await spoken("End", /^74 s, drain/);
  });

  test("zoom: a drag in one chart zooms all, Escape, double-click and button reset", async () => {
    const page = await show("passed");
    await page.locator("#lat").scrollIntoViewIfNeeded();
    const button = page.getByRole("button", { name: "Reset zoom" });
    const drag = async () => {
      await page.mouse.move(...await point(page, "lat", 25 / 75));
      await page.mouse.down();
      await page.mouse.move(...await point(page, "lat", 30 / 75), { steps: 3 });
      await page.mouse.move(...await point(page, "lat", 35 / 75), { steps: 3 });
      await page.mouse.up();
      await button.waitFor();
      const [matrix, ...others] = await transforms(page);
      assert.deepEqual(others, [], "the charts show different times");
      const [scale, , , , shift] = matrix.match(/-?[\d.]+/g).map(Number);
      assert.ok(Math.abs(scale - 7.5) < 0.1, `10 of 75 s are drawn ${scale} times as wide`);
      // F1 came at 29 s: at 4 of the 10 s that are seen.
      const f1 = 64 + 29 / 75 * 972;
      assert.ok(Math.abs(f1 * scale + shift - (64 + 0.4 * 972)) < 6, "the fault is at the wrong place");
      const tags = await page.locator("#lat [data-x]").evaluateAll((tags) => tags.map((t) => [t.textContent, t.getAttribute("visibility")]));
      assert.deepEqual(tags, [["F1", "visible"], ["F2", "hidden"]]);
      const ticks = await page.locator("#lat .x text").allTextContents();
      assert.ok(ticks.length > 4 && ticks.every((t) => parseFloat(t) >= 24.9 && parseFloat(t) <= 35.1), ticks.join());
    };
    const isWhole = async () => {
      await button.waitFor({ state: "hidden" });
      assert.deepEqual(await transforms(page), ["matrix(1 0 0 1 0 0)"]);
    };
    await drag();
    // Zoomed, the cursor still tells the time under it.
    await page.mouse.move(...await point(page, "rate", 0.405));
    await page.locator("#rate .reading", { hasText: /^(28|29) s, / }).waitFor();
    await page.locator("#lat").focus();
    await page.keyboard.press("Escape");
    await isWhole();
    await drag();
    await page.mouse.dblclick(...await point(page, "heat", 0.5));
    await isWhole();
    await drag();
    await button.click();
    await isWhole();
    assert.deepEqual(page.complaints, []);
  });

  test("columns are sorted by what they mean", async () => {
    const page = await show("passed");
    const measured = page.locator("#thresholds tbody td:nth-child(5)");
    await page.getByRole("button", { name: "measured" }).click();
    assert.deepEqual(await measured.allInnerTexts(), ["0", "0", "10.7 ms", "22.7 ms", "1.10 s"]);
    assert.equal(await page.locator("#thresholds th[aria-sort=ascending]").innerText(), "measured");
  });
});

test("comparison: the baseline is dashed, the difference has its band and its margin", async () => {
  const page = await show("comparison", { viewport: { width: 1240, height: 1000 } });
  await page.locator("#compare").scrollIntoViewIfNeeded();
  assert.match(await page.locator("#compare").innerText(), /^main · shown here[^]*^pr-218 · shown here/m);
  assert.match(await page.locator("#compare").innerText(), /FAILED: 1 of 4 primary metrics regressed/);
  const dashed = (id) => page.locator(`#${id} path.s.c5[stroke-dasharray][stroke-linejoin]`).count();
  assert.equal(await dashed("aligned"), 2, "p50 and p99 of A");
  assert.ok(await dashed("spectrum") >= 1, "the spectrum of A");
  assert.equal(await page.locator("#difference path.f.c1").count(), 1, "the band of the interval");
  assert.equal(await page.locator("#difference rect.f.mut").count(), 1, "the margin");
  // The cursor of the timeline moves through the aligned chart, too.
  await page.locator("#aligned").focus();
  await page.keyboard.press("Home");
  await page.locator("#aligned .reading", { hasText: "B p50" }).waitFor();
  await page.locator("#compare").evaluate((section) => section.scrollIntoView());
  await screenshot(page, "comparison");
});

test("first offence: twelve messages, the one that came late is red", async () => {
  const page = await show("violated", { viewport: { width: 1240, height: 420 } });
  const drawing = page.locator("#first-offence svg");
  await drawing.scrollIntoViewIfNeeded();
  assert.ok(await drawing.isVisible());
  const texts = await drawing.locator("text").allTextContents();
  const numbers = texts.filter((text) => /^\d+$/.test(text));
  assert.deepEqual(numbers.slice(0, 12), ["82", "83", "84", "85", "86", "87", "89", "88", "90", "91", "92", "93"], "in the order of arrival");
  assert.deepEqual(numbers.slice(12), ["82", "83", "84", "85", "86", "87", "88", "89", "90", "91", "92", "93"], "in the order of sending");
  const red = await page.evaluate(() => getComputedStyle(document.querySelector("#first-offence path.s.fail")).stroke);
  assert.equal(red, "rgb(140, 9, 11)");
  assert.equal(await drawing.locator("path.s.fail").count(), 1);
  // A marker above the rate chart leads to the row of the offence.
  await page.locator('#rate a[href="#offence-1"]').click();
  assert.equal(new URL(page.url()).hash, "#offence-1");
  await page.locator("#first-offence").scrollIntoViewIfNeeded();
  await screenshot(page, "first-offence");
});
