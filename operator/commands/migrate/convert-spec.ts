/** The spec of an old object, field by field, in the order of docs/containerversion.md. */
import { defaultTimeoutSeconds, minPollIntervalSeconds } from '../../api/names.ts'
import { parseVersionSyntax } from '../../discovery/versions/version-syntax.ts'
import { messageOf } from '../../errors.ts'
import { isTag, parseReference } from '../../images/reference.ts'
import { convertContainer } from './convert-container.ts'
import { convertStrategy } from './convert-strategy.ts'
import { type Fields, isMap, type Json } from './fields.ts'
import type { Found } from './named-workload.ts'
import { anchored, defaultNote } from './version-syntax.ts'

/** Finds the Deployment of this name. */
export type Find = (deployment: string) => Found

/** What is wrong goes into the report of the fields. */
export function convertSpec(spec: Fields, find: Find): Json {
  // In the first months, objects named a Deployment and its container, and gave times in minutes.
  const deployment = spec.fields('deployment')
  const strategy = spec.fields('strategy')
  const blueGreen = strategy?.fields('blueGreen')
  const converted = {
    imageRepo: imageRepo(spec),
    tag: tag(spec),
    versionSyntax: versionSyntax(spec),
    pollIntervalSeconds: pollInterval(spec),
    timeoutSeconds: timeout(spec, blueGreen),
    selector: selector(spec, deployment, find),
    container: convertContainer(spec, deployment),
    strategy: strategy && convertStrategy(strategy, blueGreen),
    rollback: rollback(spec),
    history: history(spec),
    config: config(spec),
  }
  for (const name of ['livenessSeconds', 'livenessFrequency'])
    spec.drop(name, 'it was the probe of a syncer, and there are no syncers any more')
  spec.dropUnknown()
  // Without what is undefined.
  return JSON.parse(JSON.stringify(converted)) as Json
}

function imageRepo(spec: Fields): string {
  const repository = spec.required('imageRepo', 'registry.example.com/shop/web')
  if (repository === '') return repository
  try {
    const { name, tag, digest } = parseReference(repository)
    if (tag !== undefined || digest !== undefined)
      spec.problem('imageRepo', `must be a repository alone, and is ${repository}; write ${name}`)
  } catch (thrown) {
    spec.problem('imageRepo', `cannot be used: ${messageOf(thrown)}`)
  }
  return repository
}

function tag(spec: Fields): string {
  const tag = spec.required('tag', 'env-prod')
  if (tag !== '' && !isTag(tag)) spec.problem('tag', `must be a tag, and is ${JSON.stringify(tag)}`)
  return tag
}

function versionSyntax(spec: Fields): string | undefined {
  const given = spec.text('versionSyntax')
  if (given === undefined) {
    spec.note('versionSyntax', defaultNote)
    return undefined
  }
  const { pattern, note } = anchored(given)
  if (note !== undefined) spec.note('versionSyntax', note)
  try {
    parseVersionSyntax(pattern)
  } catch (thrown) {
    spec.problem('versionSyntax', `cannot be used: ${messageOf(thrown)}`)
  }
  return pattern
}

const maxSeconds = 86_400

function pollInterval(spec: Fields): number | undefined {
  const minutes = spec.integer('checkFrequency')
  const seconds = spec.integer('pollIntervalSeconds') ?? (minutes === undefined ? undefined : minutes * 60)
  if (minutes !== undefined) spec.note('checkFrequency', `is pollIntervalSeconds now, and in seconds: ${seconds}`)
  if (seconds === undefined) return undefined
  const allowed = Math.min(Math.max(seconds, minPollIntervalSeconds), maxSeconds)
  if (allowed !== seconds)
    spec.note(
      'pollIntervalSeconds',
      `is ${allowed} instead of ${seconds}: from ${minPollIntervalSeconds} to ${maxSeconds} is allowed`,
    )
  return allowed
}

/** Blue/green had a timeout of its own for some time. */
function timeout(spec: Fields, blueGreen: Fields | undefined): number | undefined {
  blueGreen?.renamed('timeoutSecs', 'timeoutSeconds')
  const ofBlueGreen = blueGreen?.integer('timeoutSeconds')
  const own = spec.integer('timeoutSeconds')
  if (ofBlueGreen !== undefined)
    blueGreen?.note(
      'timeoutSeconds',
      own === undefined ? 'is spec.timeoutSeconds now' : 'is left out: spec.timeoutSeconds counts for each step',
    )
  const seconds = own ?? ofBlueGreen
  if (seconds === undefined || (seconds > 0 && seconds <= maxSeconds)) return seconds
  spec.note('timeoutSeconds', `${seconds} is not allowed, and left out: the default is ${defaultTimeoutSeconds}`)
  return undefined
}

function selector(spec: Fields, deployment: Fields | undefined, find: Find): Json {
  const given = spec.any('selector')
  const name = deployment?.text('name')
  if (given !== undefined) {
    const isLabels = isMap(given) && Object.values(given).every((value) => typeof value === 'string')
    if (!isLabels) spec.problem('selector', 'must be labels with texts as values, e.g. cvapp: web')
    if (name !== undefined) spec.note('deployment.name', 'is left out: spec.selector selects the workloads')
    return isLabels ? given : {}
  }
  if (name === undefined) {
    spec.problem('selector', 'is missing; write labels that the workloads have, e.g. selector: {cvapp: web}')
    return {}
  }
  const found = find(name)
  if ('why' in found) {
    spec.problem(
      'deployment.name',
      `cannot become a selector: ${found.why}; label it (kubectl label deployment ${name} cvapp=${name}), and write selector: {cvapp: ${name}} in place of deployment`,
    )
    return {}
  }
  spec.note(
    'deployment.name',
    `${name} is spec.selector now: the labels of that Deployment, by which nothing else may be found`,
  )
  return found.labels
}

function rollback(spec: Fields): Json | undefined {
  const enabled = spec.fields('rollback')?.flag('enabled')
  if (enabled === undefined) {
    spec.note(
      'rollback',
      'is left out: failed versions are rolled back now, which only --rollback of the manager did before',
    )
    return undefined
  }
  if (!enabled) spec.note('rollback.enabled', 'is false, as before; without it, a failed version is rolled back')
  return { enabled }
}

function history(spec: Fields): Json | undefined {
  const history = spec.fields('history')
  if (!history) return undefined
  const [enabled, name] = [history.flag('enabled'), history.text('name')]
  if (enabled === false) history.note('enabled', 'is left out: the setting history of the manager decides')
  history.dropUnknown()
  return enabled || name !== undefined ? { enabled: enabled || undefined, name } : undefined
}

function config(spec: Fields): Json | undefined {
  const config = spec.fields('config')
  if (!config) return undefined
  const converted = { name: config.required('name', 'versions'), key: config.required('key', 'web') }
  config.dropUnknown()
  return converted
}
