import type { V1Service } from '@kubernetes/client-node'
import type { Check } from '../../api/checks.ts'
import { NeedsChangeError } from '../../errors.ts'
import { undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import { endpointsOf, isReady } from '../../kubernetes/endpoints.ts'
import { resourcePath, services } from '../../kubernetes/resource-path.ts'
import { mayConnect } from '../../registries/transport/addresses.ts'
import { Unreachable } from '../../registries/transport/unreachable.ts'
import type { Run, Sources, Verifier } from './verifier.ts'

type Http = NonNullable<Check['http']>

/** Requests a Service of the namespace, or a host that the settings allow. The status of the answer decides. */
export const http: Verifier = {
  observe: (run, sources) => sources.measurements.measured(run, () => request(run, sources)),
}

/** @returns what is bad about the answer; undefined if it is good */
async function request(run: Run, sources: Sources): Promise<string | undefined> {
  const { http: wanted = {} } = run.check
  try {
    const status =
      wanted.url === undefined ? await askService(run, wanted, sources) : await askHost(wanted.url, sources)
    if (typeof status === 'string') return status
    return isGood(status, wanted) ? undefined : `${nameOf(wanted)} answers ${status}`
  } catch (thrown) {
    if (!(thrown instanceof Unreachable)) throw thrown
    // Nothing but a change of the check or of the settings helps.
    if (thrown.kind === 'forbidden')
      throw new NeedsChangeError('CheckUnavailable', `${nameOf(wanted)}: ${thrown.message}`)
    return `${nameOf(wanted)} does not answer: ${thrown.message}`
  }
}

const isGood = (status: number, { statuses }: Http): boolean =>
  statuses ? statuses.includes(status) : status >= 200 && status <= 299

const nameOf = ({ url, service, path = '/' }: Http): string => url ?? `Service ${service}${path}`

function askHost(text: string, { requests }: Sources): Promise<number> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new NeedsChangeError(
      'CheckUnavailable',
      `${text} is not the URL of a web server; write e.g. https://example.com/healthz`,
    )
  if (url.username !== '' || url.password !== '')
    throw new NeedsChangeError('CheckUnavailable', 'a URL with a user or a password is not requested; leave them out')
  if (!requests.allows(url))
    throw new NeedsChangeError(
      'CheckUnavailable',
      `the manager's setting httpCheckHosts does not allow ${url.host}; write http.service to request a Service of the namespace, or let the setting allow the host`,
    )
  return requests.toHost(url)
}

/** The Service's own address, and not a name that a resolver may lead elsewhere. @returns the status, or what is wrong */
async function askService(run: Run, wanted: Http, { client, requests }: Sources): Promise<number | string> {
  const { namespace } = run.object
  const { service: name = '', scheme = 'HTTP', path = '/', port = scheme === 'HTTPS' ? 443 : 80 } = wanted
  const found = await client.get<V1Service>(resourcePath(services, { namespace, name })).catch(undefinedIfNotFound)
  const address = addressOf(found, `Service ${namespace}/${name}`, port)
  const endpoints = await endpointsOf(client, namespace, name)
  const odd = endpoints.flatMap(({ addresses }) => addresses).find((one) => !mayConnect(one, 'configured'))
  if (odd !== undefined)
    throw new NeedsChangeError(
      'CheckUnavailable',
      `Service ${namespace}/${name} leads to ${odd}, an address that is not allowed`,
    )
  if (!endpoints.some(isReady)) return `Service ${name} has no ready endpoints`
  const host = address.includes(':') ? `[${address}]` : address
  const origin = `${scheme.toLowerCase()}://${host}:${port}`
  return requests.toService(new URL(`${origin}${path}`), `${name}.${namespace}.svc`)
}

/** @throws NeedsChangeError what keeps a Service from being requested */
function addressOf(service: V1Service | undefined, named: string, port: number): string {
  const refuse = (why: string): NeedsChangeError => new NeedsChangeError('CheckUnavailable', `${named} ${why}`)
  if (!service) throw refuse('does not exist; create it, or name another in http.service')
  const { type, clusterIP, selector = {}, ports = [] } = service.spec ?? {}
  if (type === 'ExternalName')
    throw refuse('is of type ExternalName, which leads out of the namespace; name a Service with a selector')
  if (!clusterIP || clusterIP === 'None')
    throw refuse('is headless: it has no address of its own; name one with a clusterIP')
  if (Object.keys(selector).length === 0)
    throw refuse('has no selector, so that it may lead anywhere; name one that selects pods')
  if (!ports.some((one) => one.port === port))
    throw refuse(
      `has no port ${port}; its ports are ${ports.map((one) => one.port).join(', ')}. Write one of them in http.port`,
    )
  return clusterIP
}
