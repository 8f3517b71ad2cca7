/** `spec.container` of an old object, and the checks, which `spec.strategy` has too. */
import { partsOf } from '../../images/image.ts'
import { type Fields, isMap, type Json } from './fields.ts'

/** It was a text for some time, and before that a part of `deployment`. */
export function convertContainer(spec: Fields, deployment: Fields | undefined): Json | undefined {
  const ofDeployment = deployment?.text('container')
  deployment?.dropUnknown()
  const given = spec.peek('container')
  if (isMap(given)) {
    const container = spec.fields('container')
    const converted = container && { name: container.text('name'), verify: convertChecks(container) }
    container?.dropUnknown()
    return converted
  }
  const name = spec.text('container') ?? ofDeployment
  if (name === undefined) return undefined
  spec.note(given === undefined ? 'deployment.container' : 'container', `${name} is spec.container.name now`)
  return { name }
}

/** `verify`, which was one check for some time. */
export function convertChecks(owner: Fields): readonly Json[] | undefined {
  const checks = owner.list('verify').map(convertCheck)
  return checks.length > 0 ? checks : undefined
}

const kind = 'Image'

function convertCheck(check: Fields): Json {
  check.renamed('type', 'kind')
  check.renamed('timeoutSecs', 'timeoutSeconds')
  const given = check.text('kind') ?? kind
  if (given !== kind) check.problem('kind', `is ${given}; the old program had ${kind} alone, so write kind: ${kind}`)
  const image = check.required('image', 'registry.example.com/shop/smoke-test')
  const converted = { kind, ...imageAndTag(check, image), timeoutSeconds: check.integer('timeoutSeconds') }
  check.dropUnknown()
  return converted
}

/** The tag was a part of the image for some time. */
function imageAndTag(check: Fields, image: string): Json {
  const parts = partsOf(image)
  const given = check.text('tag')
  if (given !== undefined || image === '') return { image, tag: given }
  const tag = parts?.tag ?? 'latest'
  check.note('tag', parts?.tag === undefined ? 'is latest, which ran without a tag' : `is ${tag}, which was in image`)
  return { image: parts?.name ?? image, tag }
}
