// The bench's native programs, where the addon's build puts them. This file lies as deep in src/ as what it is bundled into in
// dist/ (bundle.js).
import { fileURLToPath } from 'node:url';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../build/Release/${name}`, import.meta.url));

/** native/load. */
export const loadProgram = pathOf('stratafs-load');
/** native/bare. */
export const bareProgram = pathOf('stratafs-bare');
