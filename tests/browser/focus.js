// Takes down what the keyboard comes to, and whether it can be seen to be there.
() => {
  const look = (element) => {
    const style = getComputedStyle(element);
    return `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor}`;
  };
  const selector = "a[href], button, input:not([type=hidden]), summary, [tabindex='0'], video";
  const stops = [...document.querySelectorAll(selector)].filter(
    (element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled);
  document.activeElement.blur();
  const before = new Map(stops.map((stop) => [stop, look(stop)]));
  window.reached = new Set();
  window.unseen = [];
  document.addEventListener("focusin", ({ target }) => {
    window.reached.add(target);
    if (look(target) === before.get(target)) window.unseen.push(target.outerHTML);
  });
  window.missed = () => stops.filter((stop) => !window.reached.has(stop)).map((s) => s.outerHTML);
  return stops.length;
}
