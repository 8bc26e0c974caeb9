// The HTML report of every golden record, as a reader's browser shows it.
import { before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { screenshot, useBrowser } from "./browser.mjs";

const binary = process.env.WPSBENCH ?? "wpsbench";
const testdata = new URL("../testdata/", import.meta.url).pathname;
const names = readdirSync(testdata).filter((file) => file.endsWith(".json")).map((file) => basename(file, ".json"));
const open = useBrowser();

// The goldens leave out style, script and record, so the pages are rendered again.
const dir = mkdtempSync(join(tmpdir(), "wpsbench-report-"));
process.on("exit", () => rmSync(dir, { recursive: true }));
const file = (name) => join(dir, `${name}.html`);
const address = (name) => pathToFileURL(file(name)).href;
before(() => {
  for (const name of names) {
    execFileSync(binary, ["report", join(testdata, `${name}.json`), "--out", `html=${file(name)}`], { stdio: ["ignore", "ignore", "inherit"] });
  }
});

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
  describe(name, { concurrency: true }, () => {
    for (const colorScheme of ["light", "dark"]) {
      test(`${colorScheme}: nothing to complain about, nobody asked`, async () => {
        const page = await show(name, { colorScheme });
        await page.evaluate(axe.source);
        const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        const told = found.violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.slice(0, 3).map((n) => `${n.html}\n  ${n.failureSummary}`).join("\n  ")}`);
        assert.deepEqual(told, []);
        assert.deepEqual(page.asked, [address(name)]);
        assert.deepEqual(page.complaints, []);
        await page.context().close();
      });
    }

    test("a telephone, 390 px wide", async () => {
      const page = await show(name, { viewport: { width: 390, height: 844 } });
      assert.ok(await overflow(page) <= 0, "the page is wider than the screen");
      const verdict = await page.locator("#verdict").boundingBox();
      assert.ok(verdict.y < 844, `the verdict starts ${verdict.y} px down`);
      await page.context().close();
    });

    test("without JavaScript", async () => {
      const plain = await show(name, { javaScriptEnabled: false });
      const page = await show(name);
      const text = (p) => p.locator("main").innerText();
      assert.equal((await text(plain)).replace(/\s+/g, " "), (await text(page)).replace(/\s+/g, " "));
      assert.equal(await plain.locator("button").count(), 0, "a control that needs the script");
      await plain.context().close();
      await page.context().close();
    });

    test("without style", async () => {
      const page = await open();
      await page.setContent(readFileSync(file(name), "utf8").replace(/<style>.*?<\/style>/s, "").replace(/<meta http-equiv[^>]*>/, ""));
      assert.ok(await page.locator("#verdict h2").isVisible());
      const bare = await page.locator("svg :is(path, rect, text)").evaluateAll((marks) => marks.filter((mark) => {
        const { fill, stroke } = getComputedStyle(mark);
        return mark.getAttribute(mark.classList.contains("s") ? "stroke" : "fill") === null || (fill === "rgb(0, 0, 0)" && stroke === "none");
      }).length);
      assert.equal(bare, 0, "marks that have their colour from the style alone");
      await page.context().close();
    });

    test("print", async () => {
      const page = await show(name, { colorScheme: "dark" });
      const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
      assert.equal(images(pdf), 0, "something was printed as an image");
      const sheets = pdf.match(/\/Type\s*\/Page\b/g).length;
      assert.ok(sheets <= 8, `${sheets} sheets of paper`);
      await page.emulateMedia({ media: "print" });
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
      await page.context().close();
    });
  });
}

const images = (pdf) => (pdf.match(/\/Subtype\s*\/Image\b/g) ?? []).length;

test("a printed image would be noticed", async () => {
  const page = await open();
  await page.setContent('<img width=9 height=9 src="data:image/gif;base64,R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=">');
  assert.ok(images((await page.pdf()).toString("latin1")) > 0);
});

test("pictures", async () => {
  for (const [name, colorScheme] of [["violated", "light"], ["passed", "dark"]]) {
    const page = await show(name, { colorScheme, viewport: { width: 1240, height: 900 } });
    await screenshot(page, `report-${name}`);
    await page.context().close();
  }
});
