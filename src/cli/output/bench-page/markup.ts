// Builds HTML and SVG as text. Attributes and content are escaped, so that names of files and options can't become markup.

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | readonly Content[];
type Attributes = Readonly<Record<string, string | number | undefined>>;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] as string);
}

/** An element; undefined attributes are left out. */
export function element(name: string, attributes: Attributes, ...content: Content[]): Markup {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}="${escapeText(typeof value === 'number' ? shortNumber(value) : String(value))}"`,
    );
  return new Markup(`<${name}${pairs.join('')}>${render(content)}</${name}>`);
}

function render(content: Content): string {
  if (content instanceof Markup) return content.text;
  return typeof content === 'string' ? escapeText(content) : content.map(render).join('');
}

/** Coordinates: a tenth of a pixel is enough. */
function shortNumber(value: number): string {
  return String(Math.round(value * 10) / 10);
}
