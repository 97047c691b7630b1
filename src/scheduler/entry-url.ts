/**
 * URLs of modules that are loaded by their URL: what threads begin with. In the sources they lie in the
 * folders of their layers. In the published package, where modules are joined into few files
 * (.ci/build.mjs), every such module is a file of its own name beside all others.
 */

/** The URL of a module of the engine, given as its path below src, without extension. */
export function entryUrl(path: string): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL(`../${path}.ts`, import.meta.url)
    : new URL(`./${path.slice(path.lastIndexOf('/') + 1)}.js`, import.meta.url);
}
