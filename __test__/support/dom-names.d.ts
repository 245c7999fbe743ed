/**
 * The names of the DOM that playwright-core's types refer to. These tests run in Node: with the whole of `lib.dom` a slip such as
 * `document` would compile.
 */
type Node = object;
type HTMLElement = object;
type SVGElement = object;
type HTMLElementTagNameMap = Readonly<Record<string, HTMLElement>>;
