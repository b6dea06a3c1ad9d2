// Makes dist/report/page.html, the template of `stratafs report`, from its HTML, its style and its code.
//
// The page's Content-Security-Policy lists the hashes of that style and that code, so that nothing else can run in it:
// names from an image are shown in the page, and the builder of the image chose them.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

const bundle = await rolldown({ input: 'src/report/page.ts', platform: 'browser' });
const { output } = await bundle.generate({ format: 'iife', minify: true });
await bundle.close();
const script = output[0].code.trim();
if (/<\/script|<!--/i.test(script)) throw new Error('the code of the page would end its own block');
/** Later ones override earlier ones. */
const styles = ['colours', 'page', 'controls', 'layers', 'treemap', 'tables', 'comparison', 'media'];
const style = styles.map((name) => readFileSync(`src/report/style/${name}.css`, 'utf8')).join('');
const licence = readFileSync('node_modules/d3-hierarchy/LICENSE', 'utf8').trim();

const hash = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

let page = readFileSync('src/report/template.html', 'utf8');
for (const [place, text] of [
  ['SCRIPT-HASH', hash(script)],
  ['STYLE-HASH', hash(style)],
  ['<style></style>', `<style>${style}</style>`],
  ['<script></script>', `<script>${script}</script>`],
  ['LICENCES', `The layout of the treemap is by d3-hierarchy.\n\n${licence}`],
]) {
  const parts = page.split(place);
  if (parts.length !== 2) throw new Error(`src/report/template.html: expected ${place} once`);
  page = parts.join(text);
}
mkdirSync('dist/report', { recursive: true });
writeFileSync('dist/report/page.html', page);
