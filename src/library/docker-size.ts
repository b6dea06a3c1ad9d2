// Sizes as docker writes them.
export { showDockerSize } from '../inspect/inspect.ts';
