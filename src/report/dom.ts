// Creates elements of the page. Text from an image goes only into text nodes and attributes, never through an HTML
// parser.

export interface ElementOptions {
  readonly class?: string;
  readonly text?: string;
  /** Undefined: the attribute is not set. */
  readonly attributes?: Readonly<Record<string, string | undefined>>;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { class: className, text, attributes = {} }: ElementOptions = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const created = document.createElement(name);
  if (className !== undefined) created.className = className;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) created.setAttribute(key, value);
  }
  if (text !== undefined) created.textContent = text;
  created.append(...children);
  return created;
}

/** A part of the template, by its id. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no part ${id}`);
  return found;
}
