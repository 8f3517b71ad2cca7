/**
 * Leaves out of the bundle the parts of two dependencies that cvmanager never calls: half of the code, and 20 MB of memory
 * (docs/performance.md). @dot-i/k8s-operator needs them for its own watch and writers; cvmanager has its own, and refuses
 * to use those (operator/controller/operator.ts). Nothing is left out when cvmanager runs from the sources, as in most tests.
 */
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const ofClientNode = '@kubernetes/client-node/dist'

/** The replacement for each module. The build fails if operator/ imports a name that a replacement lacks. */
const instead: Readonly<Record<string, string>> = {
  // The base class imports the kubeconfig reader from here. It also creates an API at its start, but never uses it.
  '@kubernetes/client-node': `
    export { KubeConfig } from '${ofClientNode}/config.js'
    export class CoreV1Api {}`,
  // All that the kubeconfig reader needs of the generated client, which has some 700 models and 70 APIs.
  './gen/index.js': `
    export { createConfiguration } from '${ofClientNode}/gen/configuration.js'
    export { ServerConfiguration } from '${ofClientNode}/gen/servers.js'`,
  // The HTTP client of the writers in the base class. google-auth-library has one of its own, which stays.
  gaxios: '',
  // Google's client for the metadata server, which operator/registries/google asks through its own transport.
  'gcp-metadata': '',
  // Google's HTTP client sends with these, but all requests go through that transport instead.
  'https-proxy-agent': '',
  'node-fetch': '',
  // Sockets of a Unix machine, for hot-shots; statsd gets datagrams over the network.
  'unix-dgram': '',
}

export const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    onResolve(
      {
        filter:
          /^(@kubernetes\/client-node|\.\/gen\/index\.js|gaxios|gcp-metadata|https-proxy-agent|node-fetch|unix-dgram)$/,
      },
      ({ path, importer }) =>
        path === 'gaxios' && importer.includes('google-auth-library') ? undefined : { path, namespace: 'instead' },
    )
    onLoad({ filter: /./, namespace: 'instead' }, ({ path }) => ({ contents: instead[path] ?? '', resolveDir: here }))
  },
}
