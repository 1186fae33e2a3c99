// Says what is wrong with the page that is shown: a list of sentences, best an empty one.
() => {
  const wrong = [];
  for (const animation of document.getAnimations()) animation.finish();
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (element) => `<${element.tagName.toLowerCase()} class="${element.className}"> ${
    (element.textContent || element.value || "").trim().slice(0, 40)}`;

  // WCAG 2.2, contrast of a colour with what is behind it.
  const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const over = (front, back) => front.rgb.map(
    (value, at) => value * front.alpha + back[at] * (1 - front.alpha));
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.alpha === 1) return colour.rgb;
    return over(colour, behind(element.parentElement));
  };
  const luminance = (rgb) => {
    const linear = rgb.map((value) => value / 255).map(
      (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const check = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    const back = behind(element);
    const [dark, light] = [over(parse(style.color), back), back].map(luminance)
      .sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(2)}: ${name(element)}`);
  };
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const written = new Set();
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() && isSeen(parent)) written.add(parent);
  }
  for (const element of written) {
    if (!["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) check(element);
  }

  // Fields, pictures, links and buttons have names.
  for (const field of all("input:not([type=hidden]), select, textarea").filter(isSeen)) {
    const own = field.ariaLabel || (field.type === "submit" && field.value);
    if (!field.labels.length && !own) wrong.push(`no label: ${name(field)}`);
    check(field);
    if (field.placeholder) check(field, "::placeholder");
  }
  for (const image of all("img:not([alt])")) wrong.push(`no alt: ${image.src}`);
  for (const video of all("video:not([aria-label])")) wrong.push(`no label: ${video.src}`);
  for (const control of all("a, button, summary").filter(isSeen)) {
    const alt = control.querySelector("img")?.alt;
    if (!control.textContent.trim() && !control.ariaLabel && !alt) {
      wrong.push(`no name: ${name(control)}`);
    }
  }
  for (const element of all("[aria-describedby], [aria-labelledby]")) {
    const id = element.getAttribute("aria-describedby") ?? element.getAttribute("aria-labelledby");
    if (!document.getElementById(id)) wrong.push(`no #${id}: ${name(element)}`);
  }
  const ids = all("[id]").map((element) => element.id);
  if (new Set(ids).size < ids.length) wrong.push(`an id twice: ${ids}`);

  // The outline.
  const levels = all("h1, h2, h3, h4, h5, h6").filter(isSeen).map((e) => Number(e.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) wrong.push(`h1: ${levels}`);
  levels.reduce((before, level) => {
    if (level > before + 1) wrong.push(`headings: ${levels}`);
    return level;
  }, 0);
  if (!document.documentElement.lang) wrong.push("no lang");
  if (!document.title.trim()) wrong.push("no title");

  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) wrong.push(`wider than the screen: ${scrollWidth}`);
  return wrong;
}
