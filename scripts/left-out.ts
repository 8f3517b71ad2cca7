/**
 * What the bundle leaves out: the parts of two dependencies that cvmanager never calls, which are half of the code and 20 MB
 * of memory (docs/performance.md). @dot-i/k8s-operator brings them for its own watch and its own writers; cvmanager has
 * others, and refuses those (operator/controller/operator.ts). From the sources, and so in most tests, all is there.
 */
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const ofClientNode = '@kubernetes/client-node/dist'

/** By the module that is asked for: what it is instead. A name that is missed here and used in operator/ fails the build. */
const instead: Readonly<Record<string, string>> = {
  // It imports the kubeconfig's reader from here; the base class also makes an API at its start, and nobody uses it.
  '@kubernetes/client-node': `
    export { KubeConfig } from '${ofClientNode}/config.js'
    export class CoreV1Api {}`,
  // That reader needs no more than this of the generated client: some 700 models and 70 APIs.
  './gen/index.js': `
    export { createConfiguration } from '${ofClientNode}/gen/configuration.js'
    export { ServerConfiguration } from '${ofClientNode}/gen/servers.js'`,
  // The HTTP client of the base class's writers.
  gaxios: '',
}

export const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(@kubernetes\/client-node|\.\/gen\/index\.js|gaxios)$/ }, ({ path }) => ({
      path,
      namespace: 'instead',
    }))
    onLoad({ filter: /./, namespace: 'instead' }, ({ path }) => ({ contents: instead[path] ?? '', resolveDir: here }))
  },
}
