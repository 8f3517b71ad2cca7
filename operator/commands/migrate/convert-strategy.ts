/** `spec.strategy` of an old object. */
import { defaultScaleDownDelaySeconds, strategyKinds } from '../../api/names.ts'
import { convertChecks } from './convert-container.ts'
import type { Fields, Json } from './fields.ts'

const [simple, blueGreenKind] = strategyKinds

export function convertStrategy(strategy: Fields, settings: Fields | undefined): Json {
  strategy.renamed('type', 'kind')
  const given = strategy.text('kind') ?? simple
  const kind = given === blueGreenKind ? blueGreenKind : simple
  if (given !== kind) strategy.note('kind', `${given} is ${kind} now, as which it was taken before`)
  if (settings && kind !== blueGreenKind) strategy.note('blueGreen', `is left out: it goes with kind: ${blueGreenKind}`)
  if (kind === blueGreenKind && !settings)
    strategy.problem('blueGreen', `is missing; kind: ${blueGreenKind} needs at least its serviceName`)
  const blueGreen = kind === blueGreenKind && settings ? convertBlueGreen(settings) : undefined
  const converted = { kind, verify: convertChecks(strategy), blueGreen }
  strategy.dropUnknown()
  return converted
}

function convertBlueGreen(blueGreen: Fields): Json {
  blueGreen.renamed('testServiceName', 'verificationServiceName')
  blueGreen.renamed('labelName', 'labelNames')
  const serviceName = blueGreen.required('serviceName', 'web')
  const scaleDown = blueGreen.flag('scaleDown') || undefined
  if (scaleDown)
    blueGreen.note(
      'scaleDown',
      `scales the old side down ${defaultScaleDownDelaySeconds} s after the switch, and not at once; scaleDownDelaySeconds sets the time`,
    )
  const converted = {
    serviceName,
    verificationServiceName: verificationService(blueGreen, serviceName),
    labelNames:
      typeof blueGreen.peek('labelNames') === 'string' ? [blueGreen.text('labelNames')] : blueGreen.texts('labelNames'),
    scaleDown,
  }
  blueGreen.dropUnknown()
  return converted
}

function verificationService(blueGreen: Fields, serviceName: string): string | undefined {
  const name = blueGreen.text('verificationServiceName')
  if (name !== serviceName) return name
  blueGreen.note('verificationServiceName', `is left out: it must be another Service than ${serviceName}`)
  return undefined
}
