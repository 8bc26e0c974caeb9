// The browser that the suites share, and what they do with it.
import { chromium } from "playwright-core";
import { after, before } from "node:test";
import { access, constants, mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

// Long enough for a busy machine; a wait ends as soon as what it waits for is there.
export const patience = 30_000;

// program is the installed Chromium. WPSBENCH_BROWSER names another one, as a path.
async function program() {
  const named = process.env.WPSBENCH_BROWSER;
  if (named) return named;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const dir of (process.env.PATH ?? "").split(delimiter)) {
      const file = join(dir, name);
      if (await access(file, constants.X_OK).then(() => true, () => false)) return file;
    }
  }
  throw new Error("there is no Chromium: install Debian's chromium, or name one in WPSBENCH_BROWSER");
}

// useBrowser starts one browser for the tests of a file and returns a function that
// opens pages, each in a context of its own. The sandbox stays off: containers often
// cannot offer it, and the pages are ours.
export function useBrowser() {
  let browser;
  before(async () => {
    browser = await chromium.launch({ executablePath: await program(), chromiumSandbox: false, timeout: patience });
  });
  after(() => browser?.close());
  return async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    return Object.assign(page, { complaints: complaints(page) });
  };
}

// complaints collects what a page says about itself on its console: refused by its
// policy, thrown by its script.
function complaints(page) {
  const heard = [];
  page.on("pageerror", (err) => heard.push(String(err)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) heard.push(message.text());
  });
  return heard;
}

// screenshot keeps a picture where SCREENSHOTS says, if anywhere.
export async function screenshot(page, name, options = {}) {
  const dir = process.env.SCREENSHOTS;
  if (!dir) return;
  await mkdir(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`), ...options });
}
