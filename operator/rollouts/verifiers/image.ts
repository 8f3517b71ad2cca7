import type { V1PodSpec } from '@kubernetes/client-node'
import { NeedsChangeError } from '../../errors.ts'
import { isTag, parseReference } from '../../images/reference.ts'
import { deadlineSecondsOf } from './case.ts'
import { observePod } from './observe-pod.ts'
import type { Run, Sources, Verifier } from './verifier.ts'

/** Runs a pod with an image of the user's own, such as a smoke test. Its exit status decides. */
export const image: Verifier = {
  observe: (run, sources) => observePod(run, sources, async () => ({ spec: await specOf(run, sources) })),
}

/** As Pod Security `restricted` demands it. */
async function specOf(run: Run, sources: Sources): Promise<V1PodSpec> {
  const { object, rollout, check } = run
  const { namespace } = object
  const env = { NAMESPACE: namespace, VERSION: rollout.version, IMAGE: rollout.image, DIGEST: rollout.digest }
  return {
    restartPolicy: 'Never',
    activeDeadlineSeconds: deadlineSecondsOf(check),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    imagePullSecrets: pullSecretsOf(run).map((name) => ({ name })),
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'check',
        image: await exactImage(run, sources),
        env: Object.entries(env).map(([name, value]) => ({ name, value })),
        resources: { limits: { ...sources.limits } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  }
}

/** Its tag may move at any time: the digest says what has run. */
async function exactImage({ object, candidates, check }: Run, { images }: Sources): Promise<string> {
  const { image: repo = '', tag = '' } = check
  const { repository, name } = parseReference(repo)
  if (!isTag(tag)) throw new NeedsChangeError('ImageReferenceInvalid', `"${tag}" is not a tag; write one, e.g. tag: v1`)
  const workloads = candidates.map((candidate) => candidate.object)
  return `${name}:${tag}@${await images.digestOf(object, workloads, repository, tag)}`
}

/** Those of the spec, or else of the workloads, as for the version itself. */
function pullSecretsOf({ object, candidates }: Run): readonly string[] {
  const named = object.spec.imagePullSecrets?.map(({ name }) => name)
  return [...new Set(named ?? candidates.flatMap((candidate) => candidate.object.imagePullSecrets))]
}
