/** Which Google workload identity pool knows the service accounts of this cluster. */
import { askMetadata } from '../credentials/token-service.ts'
import type { Transport } from '../transport/transport.ts'

export interface WorkloadPool {
  /** The audience of the API server's token. */
  readonly tokenAudience: string
  /** The audience of the exchange at the token service. */
  readonly exchangeAudience: string
}

const provider =
  /^(?:\/\/iam\.googleapis\.com\/)?(projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+)$/
const cluster = /^projects\/([a-z][a-z0-9.:-]*)\/locations\/([a-z0-9-]+)\/clusters\/([a-z0-9-]+)$/

/** @param name of a provider, `projects/N/locations/global/workloadIdentityPools/P/providers/Q`, or of a GKE cluster */
export function poolNamed(name: string): WorkloadPool | undefined {
  const [, providerName] = provider.exec(name) ?? []
  // By default a provider wants its own name after https: (cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes).
  if (providerName !== undefined) {
    const resource = `//iam.googleapis.com/${providerName}`
    return { tokenAudience: `https:${resource}`, exchangeAudience: resource }
  }
  const [, project] = cluster.exec(name) ?? []
  if (project === undefined) return undefined
  // Every project with GKE has one pool, in which each cluster is a provider.
  const pool = `${project}.svc.id.goog`
  return {
    tokenAudience: pool,
    exchangeAudience: `identitynamespace:${pool}:https://container.googleapis.com/v1/${name}`,
  }
}

/**
 * On GKE the metadata server knows the cluster (cloud.google.com/kubernetes-engine/docs/concepts/workload-identity).
 * `undefined` elsewhere.
 */
export async function poolOfCluster(transport: Transport, metadata: string): Promise<WorkloadPool | undefined> {
  const ask = async (name: string) => (await askGoogleMetadata(transport, metadata, name))?.toString().trim()
  const project = await ask('project/project-id')
  if (project === undefined) return undefined
  const [location, name] = await Promise.all([
    ask('instance/attributes/cluster-location'),
    ask('instance/attributes/cluster-name'),
  ])
  return poolNamed(`projects/${project}/locations/${location}/clusters/${name}`)
}

/** cloud.google.com/compute/docs/metadata. The library's own client cannot be given a transport or an address. */
export async function askGoogleMetadata(
  transport: Transport,
  metadata: string,
  path: string,
): Promise<Buffer | undefined> {
  const url = new URL(`/computeMetadata/v1/${path}`, metadata)
  const answer = await askMetadata(transport, url, { 'metadata-flavor': 'Google' })
  // In another cloud, something else may answer at that address. Google's server says who it is.
  const isGoogles = answer?.status === 200 && answer.headers['metadata-flavor'] === 'Google'
  return isGoogles ? answer.body : undefined
}
