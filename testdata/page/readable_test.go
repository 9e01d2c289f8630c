package page

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// faults is a script that returns the places that a person could not read or find: text with a
// contrast under 4.5:1 (WCAG 2.2 success criterion 1.4.3), elements wider than the window (1.4.10),
// fields without a label, tables without headers, headings that skip a level, missing landmarks.
const faults = `(() => {
const list = [], paper = matchMedia("print").matches;
const rgb = c => c.match(/[\d.]+/g).map(Number);
const over = (top, under) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a)); };
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
const behind = e => {
  if (paper) return [255, 255, 255]; // a browser leaves backgrounds out unless it is told otherwise
  const layers = [];
  for (let at = e; at; at = at.parentElement) layers.unshift(rgb(getComputedStyle(at).backgroundColor));
  return layers.reduce((under, top) => over(top, under), matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255]);
};
let texts = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
  if (text === "" || !e.checkVisibility() || e.closest("script, style, template, .hidden")) continue;
  texts++;
  const own = getComputedStyle(e), color = e.closest("svg") ? own.fill : own.color, under = behind(e);
  const found = ratio(over(rgb(color), under), under);
  if (found < 4.5) list.push("contrast " + found.toFixed(2) + " of " + text.slice(0, 30));
}
if (texts < (paper ? 3 : 5)) list.push("only " + texts + " texts");
if (document.documentElement.scrollWidth > innerWidth) list.push("wider than the window: " + document.documentElement.scrollWidth);
for (const e of document.querySelectorAll("textarea, input")) if (e.labels.length === 0) list.push("no label");
for (const e of document.querySelectorAll("table")) if (!e.caption || !e.querySelector("th[scope=col]") || !e.querySelector("th[scope=row]")) list.push("a table without headers");
for (const e of document.querySelectorAll("section[aria-labelledby]")) if (!document.getElementById(e.getAttribute("aria-labelledby"))) list.push("a section without its label");
let level = 0;
for (const e of document.querySelectorAll("h1, h2, h3, h4")) { const n = +e.tagName[1]; if (n > level + 1) list.push("a heading skips a level: " + e.textContent); level = n; }
if (document.querySelectorAll("h1").length !== 1 || document.querySelectorAll("main").length !== 1 || !document.querySelector("body > header") || !document.querySelector("body > footer")) list.push("landmarks are missing");
if (document.documentElement.lang !== "en" || document.title === "") list.push("no language or title");
if (document.querySelector("textarea")?.checkVisibility() && paper) list.push("the token that was pasted is printed");
if (getComputedStyle(document.body).maxWidth === "none" && !paper) list.push("the style sheet is not applied");
return list;
})()`

// readable fails the test if a person could not read the tab: narrow and wide, in light and dark
// colours, and on paper. WCAG 2.2 success criterion 1.4.10 asks for 320 CSS pixels.
func readable(t *testing.T, b *browser, name string) {
	t.Helper()
	for _, width := range []int64{320, 1000} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(t, width, scheme)
			for _, fault := range ask(t, b, chromedp.Evaluate[[]string](faults)) {
				t.Errorf("%s, %d wide, %s: %s", name, width, scheme, fault)
			}
			b.shoot(t, fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
	b.paper(t)
	for _, fault := range ask(t, b, chromedp.Evaluate[[]string](faults)) {
		t.Errorf("%s, on paper: %s", name, fault)
	}
	b.shoot(t, name+"-paper")
	b.look(t, 1000, "light")
}
