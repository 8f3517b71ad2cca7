/** The old manager's own objects, in a manifest or in a cluster. */
import { partsOf } from '../../images/image.ts'
import { isOld, oldGroup } from './convert.ts'
import { isMap, type Json } from './fields.ts'

/** Under any registry: a mirror has the same path. */
const oldImage = /(^|\/)nearmap\/(cvmanager|kcd)$/
const oldFlag = /^--(cv|kcd)-img-repo\b/
/** Charts of its time did not have it; that of today's cvmanager has. */
const labelOfToday = 'app.kubernetes.io/name'

/** Whether this is the Deployment of the manager of 2018, by its image or by a flag that only it has. */
export function isOldManager(raw: Json): boolean {
  if (raw.kind !== 'Deployment' || isSyncer(raw)) return false
  const { metadata, spec } = raw
  if (isMap(metadata) && isMap(metadata.labels) && labelOfToday in metadata.labels) return false
  return containersOf(spec).some(({ image, args, command }) => {
    const words = [command, args].flat()
    return words.includes('run') && (isOldImage(image) || words.some((word) => oldFlag.test(String(word))))
  })
}

const isOldImage = (image: unknown): boolean => {
  const parts = partsOf(String(image))
  return parts !== undefined && oldImage.test(parts.repository.path)
}

/** Whether this is a Deployment that the old manager made to follow one ContainerVersion. */
export function isSyncer({ kind, metadata, spec }: Json): boolean {
  if (kind !== 'Deployment' || !isMap(metadata) || !String(metadata.name).startsWith('crsync-')) return false
  const owners = Array.isArray(metadata.ownerReferences) ? metadata.ownerReferences : []
  const { metadata: ofPods } = templateOf(spec)
  const labels = isMap(ofPods) && isMap(ofPods.labels) ? ofPods.labels : {}
  return labels.app === syncerLabel || owners.some(isOld)
}

export const syncerLabel = 'cr-syncer'

/** The old manager followed its own image, by an object that came with it. */
export const isOfManager = ({ spec }: Json): boolean => isMap(spec) && isOldImage(spec.imageRepo)

/** Why an object of the old program has no place in a converted manifest; undefined if it stays. */
export function whyLeftOut(raw: Json): string | undefined {
  const { kind, metadata } = raw
  const name = `${kind} ${isMap(metadata) ? metadata.name : ''}`
  if (kind === 'CustomResourceDefinition' && name.endsWith(`.${oldGroup}`))
    return `${name}: this version has its own (crds/)`
  if (isOldManager(raw) || isSyncer(raw)) return `${name}: it would start the old program again`
  if (isOld(raw) && isOfManager(raw))
    return `${name}: it is about the old program itself; autoUpdateCVM of the chart does this for cvmanager`
  return undefined
}

function containersOf(spec: unknown): readonly Json[] {
  const { spec: ofPods } = templateOf(spec)
  const { containers } = isMap(ofPods) ? ofPods : {}
  return Array.isArray(containers) ? containers.filter(isMap) : []
}

const templateOf = (spec: unknown): Json => (isMap(spec) && isMap(spec.template) ? spec.template : {})
