/**
 * The element with this `data-testid`, which must be there and of this class.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function find(id, type, within = document) {
  return first(`[data-testid="${id}"]`, type, within);
}

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type
 * @param {ParentNode} within
 * @returns {T}
 */
export function first(selector, type, within) {
  const found = within.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} ${selector}`);
}

/**
 * Makes an element around text or other elements. Text stays text, whatever it holds.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Readonly<Record<string, string>>} attributes
 * @param {readonly (Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, attributes, children = []) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Shows a text, or hides its element.
 *
 * @param {HTMLElement} element
 * @param {string | undefined} text
 */
export function show(element, text) {
  element.textContent = text ?? '';
  element.hidden = text === undefined;
}

/**
 * The same short form that the events have: the end of an id.
 *
 * @param {string} id
 */
export function shortId(id) {
  return id.slice(-6);
}

/**
 * Runs the handler at each click, the button being disabled meanwhile.
 *
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} handler
 */
export function onClick(button, handler) {
  button.addEventListener('click', () => {
    button.disabled = true;
    void handler().finally(() => {
      button.disabled = false;
    });
  });
}
