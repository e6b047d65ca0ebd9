// Lets the bundle style a page whose policy allows no inline style sheet: what it would put into <style> elements is adopted
// as constructed style sheets, which only scripts can make (CSSOM). A <style> that comes with markup stays blocked.

/** Who makes a <style> gets a block of data instead: it holds text, is never shown, and means nothing to a browser. */
const selector = 'script[type="text/css"]';
const create = document.createElement.bind(document);
document.createElement = (name, options) => {
  if (String(name).toLowerCase() !== "style") return create(name, options);
  const element = create("script");
  element.type = "text/css";
  return element;
};

/** The style sheet of each element, with the text that it was made of. */
const made = new WeakMap();

function sheetOf(element) {
  const text = element.textContent;
  let known = made.get(element);
  if (known?.text !== text) {
    const sheet = new CSSStyleSheet({ media: element.getAttribute("media") ?? "" });
    sheet.replaceSync(text);
    made.set(element, (known = { text, sheet }));
  }
  return known.sheet;
}

const isStyle = (node) => node instanceof Element && node.matches(selector);
const hasStyle = (node) => isStyle(node) || (node instanceof Element && node.querySelector(selector) !== null);

new MutationObserver((records) => {
  const concerned = records.some(({ target, addedNodes, removedNodes }) => isStyle(target) || isStyle(target.parentNode) || [...addedNodes, ...removedNodes].some(hasStyle));
  // In the order of the document, as which rule wins depends on it.
  if (concerned) document.adoptedStyleSheets = Array.from(document.querySelectorAll(selector), sheetOf);
}).observe(document, { childList: true, characterData: true, subtree: true });
