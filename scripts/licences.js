// The licences of the packages in a bundle: most of them require that their text is distributed with the code.
import { readFileSync, readdirSync } from 'node:fs';

/**
 * Name, version and licence text of every npm package in the output of rolldown's `build`.
 *
 * @param {import('rolldown').RolldownOutput} bundle
 * @returns {string}
 */
export function licencesOf(bundle) {
  const modules = bundle.output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  const packages = new Set(
    modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []),
  );
  const licences = [...packages].sort().map((directory) => {
    const { name, version, license } = JSON.parse(readFileSync(`${directory}/package.json`, 'utf8'));
    const file = readdirSync(directory).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? '' : readFileSync(`${directory}/${file}`, 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return `The code in this directory contains these packages.\n\n${licences.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
