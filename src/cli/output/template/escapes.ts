// The functions html, js and urlquery of Go's templates.

function replaceBy(table: Readonly<Record<string, string>>, text: string): string {
  return Array.from(text, (character) => table[character] ?? character).join('');
}

const html = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;', '\0': '\uFFFD' };

export const escapeHtml = (text: string): string => replaceBy(html, text);

const unicode = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

/** For a string of JavaScript, in single or double quotes. */
export const escapeJs = (text: string): string =>
  text.replace(/[\\'"]/g, '\\$&').replace(/[<>&=]|\p{Cc}/gu, unicode);

/** For a value in the query of a URL: a blank becomes a plus. */
export const escapeQuery = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
