// The libraries of a sanitizer (.ci/sanitize), which a process that loads the addon must preload.

/** `environment` for such a process. */
export function withSanitizer(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const libraries = process.env['SANITIZER_PRELOAD'];
  return libraries === undefined ? environment : { ...environment, LD_PRELOAD: libraries };
}
