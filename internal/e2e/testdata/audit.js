// Faults of the page that is shown, each as a sentence: what a person would meet who uses a keyboard, a screen reader, a phone, or sees contrasts badly.
(() => {
  const faults = [];
  const visible = (e) => e.checkVisibility({ checkVisibilityCSS: true }) && e.getClientRects().length > 0;
  const name = (e) => (e.getAttribute("aria-label") || e.innerText || e.title || "").trim();
  const show = (e) => e.outerHTML.slice(0, 120);
  const all = (selector) => [...document.querySelectorAll(selector)];

  if (document.documentElement.scrollWidth > innerWidth) faults.push(`it scrolls sideways: ${document.documentElement.scrollWidth} of ${innerWidth} px`);
  if (all("main h1").length !== 1) faults.push(`${all("main h1").length} headings of the first level`);
  for (const landmark of ["header", "nav", "main", "footer"]) if (!document.querySelector(landmark)) faults.push(`no ${landmark}`);
  if (!document.title.includes("Walkabout")) faults.push(`the title ${document.title}`);
  for (const e of all("a[href], button")) if (visible(e) && name(e) === "") faults.push(`without a name: ${show(e)}`);
  for (const e of all("input, select, textarea")) if (e.labels.length === 0 && !e.getAttribute("aria-label")) faults.push(`without a label: ${show(e)}`);
  for (const e of all("table")) if (!e.caption || !e.querySelector("thead th[scope=col]")) faults.push(`a table without caption or heads: ${show(e)}`);
  for (const e of all("img")) if (!e.hasAttribute("alt")) faults.push(`without a text: ${show(e)}`);
  for (const e of all("[role=img]")) if (name(e) === "") faults.push(`a picture without words: ${show(e)}`);
  for (const e of all("[style*=url], [onclick], [onload], [onerror], main script, main iframe, main object")) faults.push(`should not be there: ${show(e)}`);
  const ids = all("[id]").map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id stands twice");

  // Contrast (WCAG 2.2, 1.4.3): 4.5 to 1 for text, but of what is disabled.
  const rgba = (text) => (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if ((c[3] ?? 1) === 1) return c;
    }
    return [255, 255, 255];
  };
  const low = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement;
    if (n.data.trim() === "" || !visible(e) || e.closest(":disabled, .visually-hidden, svg, dialog")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgba(style.color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.set(`${style.color} on ${behind(e)}`, `contrast ${ratio.toFixed(1)} of "${n.data.trim().slice(0, 40)}" (${style.color} on ${behind(e)})`);
  }
  return faults.concat([...low.values()]);
})();
